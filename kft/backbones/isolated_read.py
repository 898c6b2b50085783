"""Go through a file of weights in a process of its own, before it is read in this one.

The HDF5 library runs into endless loops and crashes over some damaged files, and no
Python code can catch that. No TensorFlow here.
"""

import contextlib
import pathlib
import subprocess
import sys

import h5py

from kft.backbones import hdf5
from kft.cli import child_process

_SECONDS = 30.0
_PROGRAM = (
    "import sys; from kft.backbones import isolated_read; "
    "isolated_read.go_through(sys.argv[1])"
)
# Lists of names that Keras keeps in attributes.
_LISTS = ("layer_names", "weight_names")


def survive(path: pathlib.Path) -> None:
    """Check that `path` can be gone through from end to end.

    What is wrong with the file in other ways is for its reader to say.

    Raises:
        hdf5.Hdf5Error: where that does not end, or crashes.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(path)],
            env=child_process.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise hdf5.Hdf5Error(
            f"it is damaged: reading it has not ended after {_SECONDS:.0f} seconds"
        ) from error
    if done.returncode < 0:
        raise hdf5.Hdf5Error(
            f"it is damaged: it crashes the HDF5 library (signal {-done.returncode})"
        )
    if done.returncode:
        raise RuntimeError(
            f"reading {path} in a process of its own failed:\n{done.stderr}"
        )


def go_through(path: str) -> None:
    """Visit all that a reader of weights may come to in a file; runs in the child.

    A file whose folders contain each other keeps it busy until the time is up.
    """
    with contextlib.suppress(hdf5.Hdf5Error), hdf5.opened(pathlib.Path(path)) as file:
        waiting = [file]
        while waiting:
            waiting += _visit(waiting.pop())


def _visit(group: h5py.Group) -> list[h5py.Group]:
    """Try all that is in a group; return the groups in it."""
    for attribute in _LISTS:
        with contextlib.suppress(hdf5.Hdf5Error):
            hdf5.names(group, attribute)
    inner = []
    for name in hdf5.listing(group):
        with contextlib.suppress(hdf5.Hdf5Error):
            item = hdf5.member(group, name)
            if isinstance(item, h5py.Group):
                inner.append(item)
            else:
                hdf5.numbers(group, name)
    return inner
