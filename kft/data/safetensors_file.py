"""Files of weights in the format safetensors, which holds numbers alone."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable

import numpy as np

from kft import errors
from kft.data.extra import Extra

SAFETENSORS = Extra("text", "Folders as Hugging Face lays them out", ("safetensors",))


def read(path: Traversable, flag: str) -> Mapping[str, np.ndarray]:
    """Return the tensors of a file by name.

    Args:
        path: of the file, which may be in an archive.
        flag: what names its folder, for messages.

    Raises:
        errors.ConfigError: where there is none, it is damaged, or safetensors is not
            installed.
    """
    damaged = SAFETENSORS.require("safetensors").SafetensorError
    load = SAFETENSORS.require("safetensors.numpy").load
    if not path.is_file():
        raise errors.ConfigError(
            f"{flag}: expected a file {path.name} in the folder; there is none. "
            "--weights=none begins with random weights."
        )
    try:
        tensors: Mapping[str, np.ndarray] = load(path.read_bytes())
    except (OSError, KeyError, damaged) as error:
        raise errors.ConfigError(
            f"{flag}: {path.name} cannot be read: {error}. It has to be whole, with "
            "numbers of float32 or float16. --weights=none begins with random weights."
        ) from error
    return tensors
