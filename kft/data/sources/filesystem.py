"""Folders, local or remote: the local ones are listed without TensorFlow."""

import contextlib
import dataclasses
import os
import posixpath
import typing
from collections.abc import Iterator
from typing import BinaryIO

from kft import errors

# What systems put beside files of their own accord: Windows, macOS, Synology.
_CLUTTER = ("thumbs.db", "__macosx", "@eadir")
# Begins the names of files that macOS writes beside others on foreign disks.
_APPLE_DOUBLE = "._"

# Device and number of a file, which links to it share; None where there is none.
FileIdentity = tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class FolderEntry:
    """A file or folder.

    Attributes:
        name: last part of the path.
        path: how to open it.
        is_folder: whether it can be listed; a link counts as what it points to.
        size: bytes; 0 for folders, links that lead nowhere, and remote files.
        identity: of a local file.
    """

    name: str
    path: str
    is_folder: bool
    size: int
    identity: FileIdentity = None

    @property
    def is_hidden(self) -> bool:
        """Return whether programs that show folders leave it out."""
        return self.name.startswith(".")


def is_remote(path: str) -> bool:
    """Return whether only `tf.io.gfile` can open the path, such as gs://bucket/x."""
    return "://" in path


def expand(path: str) -> str:
    """Return the path with the home folder in place of a leading ~."""
    return path if is_remote(path) else os.path.expanduser(path)


# Endings of files that hold folders.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def is_folder(path: str) -> bool:
    """Return whether there is a folder at the path."""
    if is_remote(path):
        import tensorflow as tf

        found: bool = tf.io.gfile.isdir(path)
        return found
    return os.path.isdir(path)


def identity(found: os.stat_result) -> FileIdentity:
    """Return what links to a file have in common."""
    return (found.st_dev, found.st_ino) if found.st_ino else None


def entries(
    folder: str, *, any_name: bool = False, hidden: bool = False
) -> Iterator[FolderEntry]:
    """Yield what is in a folder, in the order of names.

    Without what systems put there: Thumbs.db, __MACOSX, @eaDir, names with ._ in front.

    Args:
        folder: local or remote.
        any_name: whether names count that no file of a run can have, for these are
            UTF-8.
        hidden: whether entries count whose names begin with a dot.

    Raises:
        errors.DataError: where the folder cannot be listed, or a name does not count.
    """
    try:
        listed = (
            _remote_entries(folder) if is_remote(folder) else _local_entries(folder)
        )
    except OSError as error:
        raise errors.DataError(
            f"The folder {folder} cannot be listed: {error}."
        ) from error
    for entry in sorted(listed, key=lambda entry: entry.name):
        if not any_name:
            check_is_utf8(
                entry.name, f"{entry.path!r}: expected a name", advice="Rename it."
            )
        if (hidden or not entry.is_hidden) and not _is_clutter(entry.name):
            yield entry


def _is_clutter(name: str) -> bool:
    return name.lower() in _CLUTTER or name.startswith(_APPLE_DOUBLE)


def check_is_utf8(name: str, expected: str, *, advice: str) -> None:
    """Check that a name can be written to the files of a run, which are UTF-8.

    Args:
        name: of a file.
        expected: begins the message: where, and what.
        advice: what to do, a sentence.

    Raises:
        errors.DataError: where it cannot.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise errors.DataError(
            f"{expected} in UTF-8, received the bytes {os.fsencode(name)!r}. {advice}"
        ) from error


def _local_entries(folder: str) -> list[FolderEntry]:
    listed = []
    with os.scandir(folder) as iterator:
        for item in iterator:
            try:
                inside = item.is_dir()
                found = None if inside else item.stat()
            except OSError:  # A link to nowhere, or to itself.
                inside, found = False, None
            size, same = (found.st_size, identity(found)) if found else (0, None)
            listed.append(FolderEntry(item.name, item.path, inside, size, same))
    return listed


def _remote_entries(folder: str) -> list[FolderEntry]:
    import tensorflow as tf

    listed = []
    try:
        names = tf.io.gfile.listdir(folder)
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    for name in names:
        inside = name.endswith("/") or tf.io.gfile.isdir(posixpath.join(folder, name))
        name = name.rstrip("/")
        listed.append(FolderEntry(name, posixpath.join(folder, name), inside, 0))
    return listed


def open_to_read(path: str) -> BinaryIO:
    """Return a file, local or remote, that can be read at any place.

    Raises:
        OSError: where it cannot be opened; a remote one also where it is read.
    """
    if is_remote(path):
        return typing.cast(BinaryIO, _RemoteFile(path))
    return open(path, "rb")


class _RemoteFile:
    """A remote file as Python's own are: no more is read than there is."""

    def __init__(self, path: str) -> None:
        import tensorflow as tf

        self._error = tf.errors.OpError
        with self._as_os_error():
            self._size = tf.io.gfile.stat(path).length
            self._file = tf.io.gfile.GFile(path, "rb")

    @contextlib.contextmanager
    def _as_os_error(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise OSError(error.message) from error

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes; all that are left for -1."""
        with self._as_os_error():
            left = max(self._size - self._file.tell(), 0)
            content: bytes = self._file.read(left if size < 0 else min(size, left))
            return content

    def seek(self, offset: int) -> None:
        """Go to a place, from the begin."""
        with self._as_os_error():
            self._file.seek(offset)

    def tell(self) -> int:
        """Return the place."""
        place: int = self._file.tell()
        return place

    def __enter__(self) -> "_RemoteFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def remote_glob(pattern: str) -> list[str]:
    """Return the remote files that match a pattern.

    Raises:
        errors.DataError: where the place cannot be reached.
    """
    import tensorflow as tf

    try:
        found: list[str] = tf.io.gfile.glob(pattern)
    except tf.errors.OpError as error:
        raise errors.DataError(
            f"{pattern!r} cannot be looked up: {error.message}"
        ) from error
    return found
