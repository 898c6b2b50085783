"""The pretrained weights of a transformer, out of the model.safetensors of a folder."""

from collections.abc import Mapping

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.backbones.text import text_backbone, weight_names
from kft.backbones.text.transformer_config import FAMILIES, TransformerConfig
from kft.backbones.text.weight_names import StoredWeight
from kft.data import safetensors_file

# How checkpoints from TensorFlow call the scale and offset of a norm layer.
_OLD_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}


def load(model: keras.Model, config: TransformerConfig, backbone: str) -> None:
    """Set the weights of the backbone in a graph.

    Args:
        model: a graph that an encoder is part of, see `kft.backbones.text.encoder`.
        config: sizes.
        backbone: value of `--backbone`.

    Raises:
        errors.ConfigError: where there are none, or they are of another network.
    """
    flag, prefix = f"--backbone={backbone}", FAMILIES[config.family].prefix
    path = text_backbone.files(backbone).joinpath(text_backbone.WEIGHTS)
    stored = safetensors_file.read(path, flag)
    matches = []
    for layer, wanted in weight_names.of(config).items():
        weights = model.get_layer(layer).weights
        for variable, one in zip(weights, wanted, strict=True):
            numbers = _numbers(_find(stored, one.name, prefix, flag), one)
            if numbers.shape != tuple(variable.shape):
                raise errors.ConfigError(
                    f"{flag}: expected {one.name} of the shape "
                    f"{tuple(variable.shape)} in {text_backbone.WEIGHTS}, as "
                    f"{text_backbone.CONFIG} says, received {numbers.shape}."
                )
            matches.append((variable, numbers))
    for variable, numbers in matches:
        variable.assign(numbers.astype(np.float32))
    logging.info("%d weights of %s", len(matches), backbone)


def _numbers(found: np.ndarray, wanted: StoredWeight) -> np.ndarray:
    """Return what is wanted of a tensor, as a layer of Keras has it."""
    if wanted.third is not None:
        found = np.array_split(found, 3, axis=-1)[wanted.third]
    return found.T if wanted.is_transposed else found


def _find(
    stored: Mapping[str, np.ndarray], name: str, prefix: str, flag: str
) -> np.ndarray:
    names = [name]
    for new, old in _OLD_NAMES.items():
        if name.endswith(new):
            names.append(name.removesuffix(new) + old)
    for known in names:
        for spelling in (known, f"{prefix}{known}"):
            if spelling in stored:
                return stored[spelling]
    raise errors.ConfigError(
        f"{flag}: expected {name} in {text_backbone.WEIGHTS}; it is missing. "
        f"{errors.closest(name, stored)}"
    )
