"""The weights that a run of kft has kept, in a graph like that of the run."""

import warnings
from pathlib import Path

import keras

from kft import errors
from kft.backbones import hdf5, isolated_read


def load(model: keras.Model, path: Path) -> None:
    """Set all weights of a graph to those of a best.weights.h5.

    Raises:
        errors.ConfigError: where they are of another network, or damaged.
    """
    try:
        isolated_read.survive(path)
        with warnings.catch_warnings():
            # Keras (3.15.1) leaves out what it does not find in the file, and warns.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (hdf5.Hdf5Error, OSError, ValueError, KeyError, UserWarning) as error:
        raise errors.ConfigError(
            f"--weights: {path} does not hold the weights of a run with the same "
            f"--backbone: {errors.excerpt(str(error))}."
        ) from error
