"""Files that are opened where they are regular ones, and as themselves where written.

Whoever can write in a folder can put anything there under a name that kft is going to
open: a link to a file of somebody else, or a FIFO, which keeps its reader waiting.
"""

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    # There a FIFO is no file, and a link needs a right that few users have.
    _READ = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
    _OWN = os.O_RDWR | os.O_CREAT | os.O_BINARY | os.O_NOINHERIT
else:
    _READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    _OWN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path) -> bytes:
    """Return what is in a file; raises like `opened`."""
    with opened(path) as file:
        return file.read()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """Give a file to read from; links are followed.

    Raises:
        OSError: where there is none, or something else than a regular file.
    """
    descriptor = os.open(path, _READ)
    try:
        _check_regular(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    with open(descriptor, "rb") as file:
        yield file


def open_own(path: Path) -> int:
    """Return a descriptor to read and write a file that lies at this path itself.

    The file is made where it is not there, and left as it is where it is.

    Raises:
        OSError: where there is a link, another name of the file elsewhere, or something
            else than a regular file.
    """
    if sys.platform == "win32" and path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    descriptor = os.open(path, _OWN, 0o644)
    try:
        _check_regular(descriptor, path)
        if os.fstat(descriptor).st_nlink > 1:
            raise OSError(
                errno.EMLINK, "The same file has another name elsewhere", str(path)
            )
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "No regular file", str(path))
