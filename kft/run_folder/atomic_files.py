"""Files that are whole or absent: written beside, synced, and renamed.

A kill at any byte leaves what was there before. POSIX guarantees that a rename
replaces in one step; syncing the file before it and the folder after it makes that hold
through a power failure too.
"""

import contextlib
import errno
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from kft import errors

_TEMPORARY = ".tmp-"
_SPACE = "Make room, then repeat the same command."
_PLACE = "Choose a --run_dir that this user may write, or give the permission."
_GONE = "Something removed it. What it held is lost; the same command starts again."
_STRANGER = "kft did not put it there. Remove it, or choose another --run_dir."
# What happened, and what to do.
_CAUSES = {
    errno.ENOSPC: ("there is no space left on the device", _SPACE),
    errno.EDQUOT: ("the disk quota is used up", _SPACE),
    errno.EFBIG: ("the limit on the size of a file is reached (ulimit -f)", _SPACE),
    errno.EROFS: ("the file system is read-only", _PLACE),
    errno.EACCES: ("the permission is missing", _PLACE),
    errno.EPERM: ("the permission is missing", _PLACE),
    errno.ENOENT: ("the folder is gone", _GONE),
    errno.ENOTDIR: ("a file stands where a folder is expected", _PLACE),
    errno.EISDIR: ("a folder stands where a file is expected", _STRANGER),
    errno.ELOOP: ("a link stands where a file or folder is expected", _STRANGER),
    errno.EMLINK: ("the same file has another name elsewhere", _STRANGER),
    errno.EINVAL: ("it is no regular file", _STRANGER),
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; the file becomes `path` when the block ends well.

    The temporary name ends like `path`, for writers that look at the suffix. It is
    removed when the block fails. HDF5 is no such writer: on a full disk it crashes
    (`kft.model.weights_file`).

    Raises:
        errors.RunDirError: where the file cannot be written; `path` is as before.
    """
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        with explaining(path):
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        # After a failure the folder may be gone or read-only as well.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        errors.RunDirError: where it cannot be written; `path` is as before.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def remove_leftovers(folder: Path, *, untouched_seconds: float = 0.0) -> None:
    """Remove what killed writers left below a folder.

    Args:
        folder: where to look.
        untouched_seconds: how long a leftover has not been written to; with 0 there
            must be no other writer.
    """
    latest = time.time() - untouched_seconds
    for leftover in list(folder.rglob(f"{_TEMPORARY}*")):
        # Its writer may be gone, and with it the file, before it was looked at.
        with contextlib.suppress(FileNotFoundError):
            if untouched_seconds and _last_touched(leftover) > latest:
                continue
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _last_touched(path: Path) -> float:
    """Return when a file, or anything in a folder, was written to."""
    return max(one.lstat().st_mtime for one in (path, *path.rglob("*")))


def is_leftover(path: Path) -> bool:
    """Return whether a path is a temporary one of `replacing`."""
    return path.name.startswith(_TEMPORARY)


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn every OSError of the block into a RunDirError that says what to do."""
    try:
        yield
    except OSError as error:
        raise errors.RunDirError(_message(path, error)) from error


def os_error_in(message: str) -> OSError | None:
    """Return the error of the system that a message of another library names, if any.

    TensorFlow (2.21) has only its text, such as "File too large", and types that say
    other things.
    """
    for number in _CAUSES:
        text = os.strerror(number)
        if text in message:
            return OSError(number, text)
    return None


def _message(path: Path, error: OSError) -> str:
    cause = None if error.errno is None else _CAUSES.get(error.errno)
    if cause is None:
        return f"{path} cannot be written: {error}. What was saved before is intact."
    what, advice = cause
    kept = "" if advice is _GONE else " What was saved before is intact."
    return f"{path} cannot be written: {what}.{kept} {advice}"


def _sync(path: Path) -> None:
    if sys.platform == "win32" and path.is_dir():
        # It cannot be opened there; NTFS keeps a journal of its names.
        return
    # Windows syncs only what may be written.
    flags = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
