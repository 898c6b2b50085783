"""The pretrained weights of a vision transformer, out of a model.safetensors."""

import math
from collections.abc import Mapping

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.backbones.image import position_grid
from kft.backbones.image.vit_config import VitConfig
from kft.backbones.image.vit_folder import VitFolder
from kft.data import safetensors_file

FILE = "model.safetensors"
# What stands behind encoder.layer.N, by the part of a layer here.
_VIT_NORMS = {"attention_norm": "layernorm_before", "norm": "layernorm_after"}
_DINO_NORMS = {"attention_norm": "norm1", "norm": "norm2"}
_SCALES = {"attention_scale": "layer_scale1", "scale": "layer_scale2"}
_ATTENTION = {
    "query": "attention.query",
    "key": "attention.key",
    "value": "attention.value",
    "output": "output.dense",
}
_VIT_DENSE = ("intermediate.dense", "output.dense")
_DINO_DENSE = ("mlp.fc1", "mlp.fc2")
_PROJECTION = "embeddings.patch_embeddings.projection"


class _VitTensors:
    """The tensors of a file, by names without the prefix of a larger model."""

    def __init__(
        self, tensors: Mapping[str, np.ndarray], prefix: str, flag: str
    ) -> None:
        self._tensors = tensors
        self._prefix = prefix
        self._flag = flag

    def get(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the numbers of that name, float32.

        Raises:
            errors.ConfigError: where there are none, or they are of another shape.
        """
        for known in (name, f"{self._prefix}{name}"):
            if known in self._tensors:
                found = self._tensors[known]
                if found.shape != shape:
                    raise errors.ConfigError(
                        f"{self._flag}: expected {name} of the shape {shape} in "
                        f"{FILE}, as config.json says, received {found.shape}."
                    )
                return found.astype(np.float32)
        raise errors.ConfigError(
            f"{self._flag}: expected {name} in {FILE}; it is missing. "
            f"{errors.closest(name, self._tensors)}"
        )

    def linear(self, name: str, wide: int, inner: int) -> list[np.ndarray]:
        """Return kernel [wide, inner] and bias of a dense layer."""
        kernel = self.get(f"{name}.weight", (inner, wide))
        return [kernel.T, self.get(f"{name}.bias", (inner,))]

    def norm(self, name: str, width: int) -> list[np.ndarray]:
        """Return scale and offset of a norm layer."""
        return [self.get(f"{name}.{one}", (width,)) for one in ("weight", "bias")]


def load(model: keras.Model, folder: VitFolder) -> None:
    """Set the weights in a graph that `vit.build` is part of.

    Positions are those of the grid of patches that the graph has. All shapes are
    compared before the first array is set.

    Args:
        model: the graph.
        folder: has the file.

    Raises:
        errors.ConfigError: where there are no weights, or those of another network.
    """
    config = folder.config
    tensors = safetensors_file.read(folder.path / FILE, folder.flag)
    stored = _VitTensors(tensors, config.facts.prefix, folder.flag)
    positions, _ = model.get_layer("positions").embeddings.shape
    found = _stem(stored, config, positions)
    for number, name in enumerate(config.blocks.names):
        found |= _layer(stored, config, f"encoder.layer.{number}", name)
    found["norm"] = stored.norm("layernorm", config.hidden_size)
    for name, numbers in found.items():
        model.get_layer(name).set_weights(numbers)
    logging.info("weights of %d layers from %s", len(found), folder.path)


def _stem(
    stored: _VitTensors, config: VitConfig, positions: int
) -> dict[str, list[np.ndarray]]:
    """Return patches, special tokens and positions, these for so many tokens."""
    side, width = config.patch_size, config.hidden_size
    tokens = config.facts.special_tokens
    kernel = stored.get(f"{_PROJECTION}.weight", (width, 3, side, side))
    bias = stored.get(f"{_PROJECTION}.bias", (width,))
    special = [stored.get(f"embeddings.{one}", (1, 1, width))[0] for one in tokens]
    count = len(tokens)
    learned = count + (config.image_size // side) ** 2
    (table,) = stored.get("embeddings.position_embeddings", (1, learned, width))
    grid = position_grid.resized(table[count:], math.isqrt(positions - count))
    return {
        # From [features, channels, rows, columns].
        "patches": [kernel.transpose(2, 3, 1, 0), bias],
        "special_tokens": [np.concatenate(special)],
        "positions": [np.concatenate([table[:count], grid])],
    }


def _layer(
    stored: _VitTensors, config: VitConfig, place: str, name: str
) -> dict[str, list[np.ndarray]]:
    """Return the weights of a transformer layer, by the names of its parts."""
    width, inner = config.hidden_size, config.intermediate_size
    has_scale = config.facts.has_layer_scale
    norms = _DINO_NORMS if has_scale else _VIT_NORMS
    found = {part: stored.norm(f"{place}.{at}", width) for part, at in norms.items()}
    for part, at in _ATTENTION.items():
        pair = stored.linear(f"{place}.attention.{at}", width, width)
        # Softmax takes the bias of the keys out again; there is none here.
        found[f"attention_{part}"] = pair[:1] if part == "key" else pair
    if has_scale:
        for part, at in _SCALES.items():
            found[part] = [stored.get(f"{place}.{at}.lambda1", (width,))]
    if config.is_gated:
        # Both of the matrices that are gate and gated are one there.
        kernel, bias = stored.linear(f"{place}.mlp.weights_in", width, 2 * inner)
        pairs = zip(np.split(kernel, 2, axis=1), np.split(bias, 2), strict=True)
        found["gate"], found["expand"] = map(list, pairs)
        found["project"] = stored.linear(f"{place}.mlp.weights_out", inner, width)
    else:
        expand, project = _DINO_DENSE if has_scale else _VIT_DENSE
        found["expand"] = stored.linear(f"{place}.{expand}", width, inner)
        found["project"] = stored.linear(f"{place}.{project}", inner, width)
    return {f"{name}_{part}": numbers for part, numbers in found.items()}
