"""Files that a user names: images, folders and patterns, in the order given."""

import dataclasses
import glob
import os
from collections.abc import Iterable, Iterator

from kft.data.image.image_payload import IMAGES
from kft.data.sources import filesystem


@dataclasses.dataclass(frozen=True)
class InputFiles:
    """A file to predict, or the reason why an argument stands for none.

    Attributes:
        file: path as the user would write it.
        error: None for a file that is there.
    """

    file: str
    error: str | None = None


def find(arguments: Iterable[str]) -> Iterator[InputFiles]:
    """Yield what the arguments stand for; folders to any depth, names sorted.

    A path that exists is taken as it is, also where it looks like a pattern. A file is
    taken whatever its name; in folders, images are known by their names.
    """
    for argument in arguments:
        path = filesystem.expand(argument)
        if filesystem.is_folder(path):
            yield from _in_folder(path)
        elif filesystem.is_remote(path) or os.path.exists(path):
            yield InputFiles(path)
        elif glob.has_magic(path):
            yield from _matching(path)
        else:
            yield InputFiles(path, "there is no such file")


def _in_folder(path: str) -> Iterator[InputFiles]:
    try:
        images = list(_images(path, ()))
    except OSError as error:
        yield InputFiles(path, f"the folder cannot be read: {error.strerror}")
        return
    if not images:
        endings = ", ".join(IMAGES.file_endings)
        yield InputFiles(path, f"the folder has no images ({endings})")
    yield from map(InputFiles, images)


def _images(path: str, parents: tuple[str, ...]) -> Iterator[str]:
    """Yield the images at any depth, sorted; follows links, but not in circles."""
    real = os.path.realpath(path)
    if real in parents:
        return
    for entry in filesystem.entries(path):
        if entry.is_folder:
            yield from _images(entry.path, (*parents, real))
        elif entry.name.lower().endswith(IMAGES.file_endings):
            yield entry.path


def _matching(pattern: str) -> Iterator[InputFiles]:
    paths = sorted(glob.glob(pattern, recursive=True))
    files = [path for path in paths if not os.path.isdir(path)]
    if not files:
        yield InputFiles(pattern, "no file matches the pattern")
    yield from map(InputFiles, files)
