"""The pretrained weights of a BERT, out of the model.safetensors of its folder."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.backbones.text import bert, text_backbone
from kft.backbones.text.bert_config import BertConfig
from kft.data.text import text_extra

# Of a checkpoint whose BertModel is within another model.
_PREFIX = "bert."
# How checkpoints from TensorFlow call the scale and offset of a norm layer.
_OLD_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}


def load(model: keras.Model, config: BertConfig, backbone: str) -> None:
    """Set the weights of the backbone in a graph.

    Args:
        model: a graph that `kft.backbones.text.bert.build` is part of.
        config: sizes.
        backbone: value of `--backbone`.

    Raises:
        errors.ConfigError: where there are none, or they are of another network.
    """
    stored = read(text_backbone.files(backbone), backbone)
    flag = f"--backbone={backbone}"
    matches = []
    for layer, names in bert.stored_names(config).items():
        weights = model.get_layer(layer).weights
        for variable, name in zip(weights, names, strict=True):
            numbers = _find(stored, name, flag)
            # A dense layer of PyTorch has its matrix [out, in].
            numbers = numbers.T if variable.name == "kernel" else numbers
            if numbers.shape != tuple(variable.shape):
                raise errors.ConfigError(
                    f"{flag}: expected {name} of the shape {tuple(variable.shape)} in "
                    f"{text_backbone.WEIGHTS}, as {text_backbone.CONFIG} says, "
                    f"received {numbers.shape}."
                )
            matches.append((variable, numbers))
    for variable, numbers in matches:
        variable.assign(numbers.astype(np.float32))
    logging.info("%d weights of %s", len(matches), backbone)


def read(folder: Traversable, backbone: str) -> Mapping[str, np.ndarray]:
    """Return the tensors of a model.safetensors by name.

    Raises:
        errors.ConfigError: where there is none, or it is damaged.
    """
    damaged = text_extra.require("safetensors").SafetensorError
    load_bytes = text_extra.require("safetensors.numpy").load
    path = folder.joinpath(text_backbone.WEIGHTS)
    flag = f"--backbone={backbone}"
    if not path.is_file():
        raise errors.ConfigError(
            f"{flag}: expected a file {text_backbone.WEIGHTS} in the folder; there is "
            "none. --weights=none begins with random weights."
        )
    try:
        tensors: Mapping[str, np.ndarray] = load_bytes(path.read_bytes())
    except (OSError, KeyError, damaged) as error:
        raise errors.ConfigError(
            f"{flag}: {text_backbone.WEIGHTS} cannot be read: {error}. It has to be "
            "whole, with numbers of float32 or float16."
        ) from error
    return tensors


def _find(stored: Mapping[str, np.ndarray], name: str, flag: str) -> np.ndarray:
    names = [name]
    for new, old in _OLD_NAMES.items():
        if name.endswith(new):
            names.append(name.removesuffix(new) + old)
    for known in names:
        for spelling in (known, f"{_PREFIX}{known}"):
            if spelling in stored:
                return stored[spelling]
    raise errors.ConfigError(
        f"{flag}: expected {name} in {text_backbone.WEIGHTS}; it is missing. "
        f"{errors.closest(name, stored)}"
    )
