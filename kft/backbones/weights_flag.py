"""The values of `--weights`. No TensorFlow here."""

import os
import pathlib

from kft import errors
from kft.config import user_paths

IMAGENET = "imagenet"
NONE = "none"
ENDINGS = (".weights.h5", ".h5", ".keras")


def check(weights: str) -> None:
    """Check that `weights` is a known word or a file that may hold weights.

    Raises:
        errors.ConfigError: saying what was expected.
    """
    if weights in (IMAGENET, NONE):
        return
    path = to_path(weights)
    # Not of pathlib, which raises where a name is too long.
    if not (os.path.isfile(path) and weights.endswith(ENDINGS)):
        raise errors.ConfigError(f"--weights: {_problem(weights, path)}")


def to_path(weights: str) -> pathlib.Path:
    """Return the file that `weights` names; `~` is the home folder."""
    return user_paths.expand(weights)


def _problem(weights: str, path: pathlib.Path) -> str:
    expected = f"expected imagenet, none, or the path of a {', '.join(ENDINGS)} file"
    if os.path.isdir(path):
        return f"{expected}, received the folder {weights!r}."
    if os.path.exists(path):
        return f"{expected}, received {weights!r}."
    if os.sep in weights or weights.endswith(ENDINGS):
        return f"there is no file {weights!r}.{_beside(path)}"
    return (
        f"{expected}, received {weights!r}. {errors.closest(weights, (IMAGENET, NONE))}"
    )


def _beside(path: pathlib.Path) -> str:
    """Return advice on the files that stand where `path` was expected."""
    folder = path.parent
    if not os.path.isdir(folder):
        return f" The folder {str(folder)!r} does not exist."
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(ENDINGS))
    if not names:
        return f" There are no weights in {str(folder)!r}."
    return f" {errors.closest(path.name, names)}"
