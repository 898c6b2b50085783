"""Weights as the bytes of a file."""

import resource
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import errors
from kft.model import weights_file
from kft.run_folder.run_dir import RunDir


def _model(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((64,), name="inputs")
    x = inputs
    for number in range(8):
        x = keras.layers.Dense(64, name=f"dense{number}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
    return keras.Model(inputs, x)


def test_the_bytes_are_a_weights_file(tmp_path: Path) -> None:
    saved, other = _model(0), _model(1)
    path = tmp_path / "best.weights.h5"
    path.write_bytes(weights_file.to_bytes(saved))
    other.load_weights(path)
    for before, after in zip(saved.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(
    tmp_path: Path,
) -> None:
    run = RunDir(tmp_path)
    old = weights_file.to_bytes(_model(0))
    run.write_bytes(run.best_weights, old)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, unlimited[1]))
    try:
        with pytest.raises(errors.RunDirError, match="cannot be written"):
            run.write_bytes(run.best_weights, weights_file.to_bytes(_model(1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert run.best_weights.read_bytes() == old
