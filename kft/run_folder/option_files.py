"""Files that options name, read once when a run starts: weights, a list of words.

Where such a file lies is no part of what a run is; what it holds is. environment.json
keeps a digest of each, and search.json does of a search.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from kft import errors
from kft.config import RunConfig, user_paths
from kft.run_folder import saved_config

# Options that may be the path of a file, or of a folder of files; not every task has
# all. What they hold otherwise is a word, such as the name of a network.
NAMES = ("backbone", "weights", "word_list", "teacher")
# Of the folder of a finished run, such as a teacher: what its answers follow from. The
# rest of it changes when it is evaluated or reported on.
_WEIGHTS = "best.weights.h5"
_OF_RUN = (_WEIGHTS, "config.json", "labels.txt", "backbone/*")
# Key of environment.json.
KEY = "option_files"


def describe(config: RunConfig) -> dict[str, dict[str, str]]:
    """Return what is kept of these files, as JSON: a SHA-256 each, by option."""
    found = {name: digest(path) for name, path in _paths(config)}
    return {KEY: {name: digest for name, digest in found.items() if digest}}


def recorded(kept: Path) -> Mapping[str, str]:
    """Return the digests of when a run began; none of a run of an older version.

    Args:
        kept: the file that has what `describe` returned then.
    """
    try:
        found = saved_config.read_json(kept).get(KEY)
    except errors.RunDirError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: digest for name, digest in found.items() if name in NAMES}


def same_elsewhere(kept: Path, old: RunConfig, new: RunConfig) -> frozenset[str]:
    """Return the options that name the file of before, or one with its content.

    Args:
        kept: see `recorded`.
        old: the config of the run.
        new: what is asked for, of the same task.
    """
    before, was = recorded(kept), dict(_paths(old))
    return frozenset(
        name
        for name, path in _paths(new)
        if name in before and (path == was.get(name) or digest(path) == before[name])
    )


def changed(kept: Path, config: RunConfig) -> list[str]:
    """Return the options whose file is there, and is not what it was at the start.

    Args:
        kept: see `recorded`.
        config: of the run, as it is asked for.
    """
    before = recorded(kept)
    return [
        name
        for name, path in _paths(config)
        if name in before and path.exists() and digest(path) != before[name]
    ]


def _paths(config: RunConfig) -> Iterator[tuple[str, Path]]:
    for name in NAMES:
        value = getattr(config, name) if hasattr(config, name) else None
        if value is not None:
            yield name, user_paths.expand(value)


def digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, or of the files of a folder; None without any.

    Of the folder of a run that of what decides its answers.

    Raises:
        errors.RunDirError: where it cannot be read.
    """
    try:
        if path.is_file():
            return _of_file(path)
        if not path.is_dir():
            return None
        patterns = _OF_RUN if (path / _WEIGHTS).is_file() else ("*",)
        found = [one for pattern in patterns for one in path.glob(pattern)]
        files = sorted(one for one in found if one.is_file())
        lines = [f"{one.name} {_of_file(one)}" for one in files]
    except OSError as error:
        raise errors.RunDirError(f"{path} cannot be read: {error}.") from error
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
