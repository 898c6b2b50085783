"""The weights that a finished run kept, back in a network."""

import warnings
from pathlib import Path

import keras
import numpy as np

from kft import errors
from kft.run_folder.run_dir import RunDir


def load(model: keras.Model, run: RunDir) -> None:
    """Give a network the weights that a finished run kept.

    Args:
        model: the network of the run, whose weights are replaced.
        run: its folder.

    Raises:
        errors.RunDirError: where they are missing, damaged, or not of this network.
    """
    path = run.best_weights
    if not path.is_file():
        raise errors.RunDirError(
            f"{run.path} has no {path.name}, the weights that the run kept. Copy the "
            "whole run folder, or train again in another one."
        )
    try:
        with warnings.catch_warnings():
            # Keras (3.15.1) leaves out what it does not find in the file, and warns.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
        raise errors.RunDirError(
            f"{path} does not hold the weights of this run's network; it is damaged, "
            f"or labels.txt or config.json are of another run: {error}. Copy the whole "
            "run folder again, or train again in another one."
        ) from error
    _check_finite(model, path)


def _check_finite(model: keras.Model, path: Path) -> None:
    """Check that every weight is a number: with one that is none, no answer means any.

    Raises:
        errors.RunDirError: naming the first that is not.
    """
    for variable in model.variables:
        values = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise errors.RunDirError(
                f"{path} holds numbers that are none (NaN or infinity), first in "
                f"{variable.path}: it is damaged, or was not written by kft. Copy the "
                "whole run folder again, or train again in another one."
            )
