"""Paths as a user writes them, with ~ for the home folder."""

import os
from pathlib import Path


def expand(path: str) -> Path:
    """Return a local path with the home folder in place of a leading ~.

    Unlike `Path.expanduser`, it leaves the name of an unknown user as it is.
    """
    return Path(os.path.expanduser(path))
