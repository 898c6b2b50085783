"""Files of weights, whole and damaged."""

from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.data import safetensors_file

numpy_files = pytest.importorskip("safetensors.numpy", reason="needs the extra text")
FLAG = "--backbone=here"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    numpy_files.save_file({"a.weight": np.arange(6.0).reshape(2, 3)}, str(path))
    return path


def test_tensors_are_read_by_name(path: Path) -> None:
    found = safetensors_file.read(path, FLAG)
    assert list(found) == ["a.weight"]
    np.testing.assert_array_equal(found["a.weight"], [[0, 1, 2], [3, 4, 5]])


def test_a_damaged_file_is_a_mistake_not_a_crash(path: Path) -> None:
    whole = path.read_bytes()
    for damaged in (whole[:-7], b"", b"words", b"\xff" * 8 + whole[8:]):
        path.write_bytes(damaged)
        with pytest.raises(errors.ConfigError, match=f"^{FLAG}: .* cannot be read"):
            safetensors_file.read(path, FLAG)
    path.unlink()
    with pytest.raises(errors.ConfigError, match="expected a file model.safetensors"):
        safetensors_file.read(path, FLAG)
