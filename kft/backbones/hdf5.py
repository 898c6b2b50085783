"""Numbers out of an HDF5 file that somebody else wrote. No TensorFlow here.

HDF5 can do more than hold numbers: a link or a data set can point into other files, a
data set can claim a shape of terabytes, and be unpacked by code of its own choosing.
Weights need none of that. What is read here stands plainly in the file itself, and has
the shape that is expected, before a byte is allocated for it.
"""

import contextlib
import dataclasses
import math
import pathlib
import zipfile
from collections.abc import Iterator
from typing import IO

import h5py
import numpy as np

_PLAIN_LAYOUTS = (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
_MOST_NAMES = 100_000
_MEMBER = "model.weights.h5"
# What h5py and zipfile raise over a damaged file.
_DAMAGE = (
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    ValueError,
    MemoryError,
    zipfile.BadZipFile,
)
_LINKS = {h5py.h5l.TYPE_SOFT: "soft link", h5py.h5l.TYPE_EXTERNAL: "external link"}


class Hdf5Error(ValueError):
    """A file that is damaged, or uses what weights do not need."""


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Turn what h5py raises over a damaged file into `Hdf5Error`."""
    try:
        yield
    except Hdf5Error:
        raise
    except _DAMAGE as error:
        raise Hdf5Error(f"it is cut short or damaged ({error})") from error


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[h5py.File]:
    """Open a `.h5` file, or the weights within a `.keras` file, for reading.

    Raises:
        Hdf5Error: where it is none.
    """
    with contextlib.ExitStack() as stack:
        with _reading():
            source: pathlib.Path | IO[bytes] = path
            if path.suffix == ".keras":
                archive = stack.enter_context(zipfile.ZipFile(path))
                source = stack.enter_context(archive.open(_stored_member(archive)))
            file = stack.enter_context(h5py.File(source, "r"))
        yield file


def _stored_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = archive.namelist()
    if _MEMBER not in names:
        raise Hdf5Error(f"the archive has no {_MEMBER}")
    member = archive.getinfo(_MEMBER)
    # Keras writes it so. A member that is not compressed is no larger than the file.
    if member.compress_type != zipfile.ZIP_STORED:
        raise Hdf5Error(f"{_MEMBER} is compressed within the archive; Keras stores it")
    return member


def names(group: h5py.Group, attribute: str) -> list[str]:
    """Return a list of names that Keras keeps in an attribute, or in several.

    An attribute holds at most 64 KB, so Keras cuts a long list into `name0`, `name1`...
    """
    with _reading():
        if attribute in group.attrs:
            return _names(group, attribute)
        names: list[str] = []
        part = 0
        while f"{attribute}{part}" in group.attrs:
            names += _names(group, f"{attribute}{part}")
            part += 1
        return names


def _names(group: h5py.Group, attribute: str) -> list[str]:
    kept = group.attrs.get_id(attribute)
    count = math.prod(kept.shape)
    if count == 0:  # An empty list is stored as one of numbers.
        return []
    if kept.dtype.kind not in "SOU" or count > _MOST_NAMES:
        raise Hdf5Error(
            f"attribute {attribute!r} of {group.name!r} is no list of names"
        )
    return [_text(name) for name in np.ravel(group.attrs[attribute])]


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def listing(group: h5py.Group) -> list[str]:
    """Return the names in a group, links to other places included."""
    with _reading():
        return list(group)


def member(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """Return what stands at `path` below `group`, None where there is nothing.

    Raises:
        Hdf5Error: where the way there leads through a link to another place.
    """
    current: h5py.Group | h5py.Dataset = group
    with _reading():
        for part in path.split("/"):
            if not isinstance(current, h5py.Group) or not _is_link(current, part):
                return None
            # `part in current` would already follow a link into another file.
            kind = current.id.links.get_info(_encoded(part)).type
            if kind != h5py.h5l.TYPE_HARD:
                link = _LINKS.get(kind, "link of another kind")
                raise Hdf5Error(f"{path!r} is a {link}, which is not followed")
            current = current[part]
    return current


def _is_link(group: h5py.Group, name: str) -> bool:
    return name not in ("", ".") and group.id.links.exists(_encoded(name))


def _encoded(name: str) -> bytes:
    # What is not UTF-8 in the file has come here as surrogates.
    return name.encode("utf-8", "surrogateescape")


@dataclasses.dataclass(frozen=True)
class Numbers:
    """A data set that is safe to read."""

    dataset: h5py.Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape that the file declares."""
        declared: tuple[int, ...] = self.dataset.shape
        return declared

    def read(self) -> np.ndarray:
        """Return the numbers.

        Raises:
            Hdf5Error: where one of them is not finite.
        """
        with _reading():
            values: np.ndarray = self.dataset[()]
        if not np.all(np.isfinite(values)):
            raise Hdf5Error(f"{self.dataset.name!r} holds numbers that are not finite")
        return values


def numbers(group: h5py.Group, path: str) -> Numbers | None:
    """Return the data set at `path`, None where there is none.

    Raises:
        Hdf5Error: where it is not a plain array of numbers that the file itself holds.
    """
    dataset = member(group, path)
    if not isinstance(dataset, h5py.Dataset):
        return None
    with _reading():
        _check_plain(dataset)
    return Numbers(dataset)


def _check_plain(dataset: h5py.Dataset) -> None:
    creation = dataset.id.get_create_plist()
    if creation.get_layout() not in _PLAIN_LAYOUTS or creation.get_external_count():
        raise Hdf5Error(
            f"{dataset.name!r} is compressed, virtual or kept in another file; Keras "
            "writes weights plainly"
        )
    if dataset.shape is None or dataset.dtype.kind not in "fiu":
        raise Hdf5Error(f"{dataset.name!r} does not hold numbers but {dataset.dtype}")
    if dataset.id.get_storage_size() != dataset.nbytes:
        raise Hdf5Error(f"{dataset.name!r} is declared but not in the file")
