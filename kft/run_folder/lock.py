"""One process at a time in a run folder.

The lock is that of an open file (`file_lock`); its text only names the holder.
"""

import contextlib
import datetime
import errno
import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from kft import errors
from kft.run_folder import atomic_files, file_lock, regular_file

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def lock(path: Path, *, flag: str = "--run_dir") -> Iterator[None]:
    """Hold the lock file at `path` within the block.

    Args:
        path: of the lock file.
        flag: which chooses the folder of the file.

    Raises:
        errors.RunDirError: at once where another process holds it, naming the process.
    """
    with atomic_files.explaining(path):
        descriptor = regular_file.open_own(path)
    try:
        _acquire(descriptor, path, flag)
        _mention_other_host(_holder(descriptor), path)
        with atomic_files.explaining(path):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(_this_process()).encode())
        yield
        # Still empty after a clean end: nobody held it last.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, flag: str) -> None:
    try:
        file_lock.acquire(descriptor)
    except BlockingIOError:
        raise errors.RunDirError(
            f"{path.parent} is in use by {_describe(_holder(descriptor))}. Wait for "
            f"it, stop it, or choose another {flag}."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise errors.RunDirError(f"{path} cannot be locked: {error}.") from error
        logging.warning(
            "The file system of %s has no locks (%s): make sure that no second process "
            "uses this run folder.",
            path.parent,
            error.strerror,
        )


def _this_process() -> Mapping[str, Any]:
    now = datetime.datetime.now().astimezone()
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started": now.isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
    }


def _holder(descriptor: int) -> Mapping[str, Any] | None:
    """Return what the lock file says, None where it says nothing that is understood."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        holder = json.loads(os.read(descriptor, 1 << 20))
    except (ValueError, RecursionError):
        return None
    return (
        holder
        if isinstance(holder, dict) and set(_this_process()) <= set(holder)
        else None
    )


def _describe(holder: Mapping[str, Any] | None) -> str:
    if holder is None:
        return "another process"
    return (
        f"process {holder['pid']} on {holder['host']}, since {holder['started']}: "
        f"{holder['command']}"
    )


def _mention_other_host(holder: Mapping[str, Any] | None, path: Path) -> None:
    """Warn where the last holder ended without a word on another machine.

    Not every network file system shares locks between machines, so having the lock does
    not prove that the other process is dead.
    """
    if holder is not None and holder["host"] != socket.gethostname():
        logging.warning(
            "%s was last used by %s, which did not end in order. If it still runs, "
            "stop one of the two: locks may not be shared between machines.",
            path.parent,
            _describe(holder),
        )
