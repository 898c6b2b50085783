"""The environment of Python programs that kft starts: they import what kft does.

A Python that is given a program with -c or -m looks for modules in the working
directory first, where files of a user, or of somebody else, may be called like a
package.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

_IMPORT_PATH = "PYTHONPATH"
_SAFE_PATH = "PYTHONSAFEPATH"


def environment() -> dict[str, str]:
    """Return this process' environment, for a child with the same import path."""
    # An empty entry is the working directory.
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, _IMPORT_PATH: path, _SAFE_PATH: "1"}


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Let processes that `multiprocessing` starts in the block import alike."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before
