"""The weights that a run has kept, to compare bit by bit."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np


def read(run_dir: Path) -> dict[str, np.ndarray]:
    """Return the tensors of best.weights.h5 by name."""
    found = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.array(item)

    with h5py.File(run_dir / "best.weights.h5") as file:
        file.visititems(visit)
    return found


def assert_equal(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> None:
    """Check that names and bits are the same."""
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def assert_close(run: Path, other: Path, *, atol: float) -> None:
    """Check that two runs have kept the same names, and values to `atol`."""
    ours, theirs = read(run), read(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], atol=atol, err_msg=name)
