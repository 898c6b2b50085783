"""The configs that come with kft: `kft:NAME` where a flagfile is asked for.

They are the files of configs/ in a clone, and in the package where it is installed.
"""

from collections.abc import Mapping
from pathlib import Path

from kft import errors

PREFIX = "kft:"
_HERE = Path(__file__).parent
# In an installed package, and in a clone.
_FOLDERS = (_HERE / "shipped", _HERE.parents[1] / "configs")


def all_paths() -> Mapping[str, Path]:
    """Return the config files by their names, in the order of the alphabet."""
    folder = next((one for one in _FOLDERS if one.is_dir()), None)
    return {} if folder is None else {p.stem: p for p in sorted(folder.glob("*.cfg"))}


def path(name: str, *, source: str) -> Path:
    """Return the file of a config.

    Args:
        name: without the ending.
        source: where the name was written, for the message.

    Raises:
        errors.ConfigError: for a name that there is not.
    """
    known = all_paths()
    if name not in known:
        raise errors.ConfigError(
            f"{source}: kft has no config {name!r}. {errors.closest(name, known)} "
            "kft configs lists them."
        )
    return known[name]


def summary(path: Path) -> str:
    """Return the first paragraph of a config: what it is about, on one line."""
    lines = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or not text:
            break
        lines.append(text)
    return " ".join(lines)
