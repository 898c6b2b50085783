"""Folders, local or remote: the local ones are listed without TensorFlow."""

import dataclasses
import os
import posixpath
from collections.abc import Iterator

from kft import errors

# What systems put beside files of their own accord: Windows, macOS, Synology.
_CLUTTER = ("thumbs.db", "__macosx", "@eadir")


@dataclasses.dataclass(frozen=True)
class FolderEntry:
    """A file or folder.

    Attributes:
        name: last part of the path.
        path: how to open it.
        is_folder: whether it can be listed; a link counts as what it points to.
        size: bytes; 0 for folders, links that lead nowhere, and remote files.
    """

    name: str
    path: str
    is_folder: bool
    size: int


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


def entries(folder: str, *, any_name: bool = False) -> Iterator[FolderEntry]:
    """Yield what is in a folder, in the order of names, without hidden entries.

    Nor those that systems make: Thumbs.db, __MACOSX, @eaDir.

    Args:
        folder: local or remote.
        any_name: whether names count that no file of a run can have, for these are
            UTF-8.

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
            _check_name(entry)
        if not entry.name.startswith(".") and entry.name.lower() not in _CLUTTER:
            yield entry


def _check_name(entry: FolderEntry) -> None:
    """Check that the name can be written to the files of a run, which are UTF-8."""
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        raise errors.DataError(
            f"{entry.path!r}: expected a name in UTF-8, received the bytes "
            f"{os.fsencode(entry.name)!r}. Rename it."
        ) from error


def _local_entries(folder: str) -> list[FolderEntry]:
    listed = []
    with os.scandir(folder) as iterator:
        for item in iterator:
            try:
                inside = item.is_dir()
                size = 0 if inside else item.stat().st_size
            except OSError:  # A link to nowhere, or to itself.
                inside, size = False, 0
            listed.append(FolderEntry(item.name, item.path, inside, size))
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
