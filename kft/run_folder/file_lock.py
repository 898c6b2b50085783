"""The lock of an open file, as each system has it.

It is flock(2), or LockFile on Windows. The system gives both back when their holder
dies, however it dies, so there is no stale lock to recognise.
"""

import errno
import os
import sys

if sys.platform == "win32":
    import msvcrt

    # What is locked there nobody else can read: a byte far behind the text.
    _PLACE = 1 << 30

    def acquire(descriptor: int) -> None:
        """Lock a file that is open for writing, until it is closed.

        Raises:
            BlockingIOError: at once, where another process has locked it.
            OSError: where its file system has no locks.
        """
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error

else:
    import fcntl

    def acquire(descriptor: int) -> None:
        """Lock a file that is open for writing, until it is closed.

        Raises:
            BlockingIOError: at once, where another process has locked it.
            OSError: where its file system has no locks.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
