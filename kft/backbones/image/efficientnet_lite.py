"""EfficientNet-Lite0 as Keras layers, and its ImageNet weights.

The network is `efficientnet-lite0` of models/official/efficientnet/lite in the
repository tensorflow/tpu: EfficientNetB0 without squeeze-and-excitation, with ReLU6 in
place of swish. The layers are named as in Keras' EfficientNet.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

import keras
import numpy as np

from kft.backbones import torch_file
from kft.backbones.image import efficientnet_lite_file

_STEM_FILTERS = 32
_TOP_FILTERS = 1280
# efficientnet_builder.efficientnet: the batch norms, the initialiser, and the share of
# the residual branches that the last block drops in training.
_MOMENTUM = 0.99
_EPSILON = 1e-3
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
_DROP_CONNECT = 0.2


@dataclasses.dataclass(frozen=True)
class _LiteStage:
    """Blocks in a row with the same number of filters; the first may halve the map."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


# arXiv:1905.11946, table 1.
_STAGES = (
    _LiteStage(repeats=1, kernel=3, stride=1, expansion=1, filters=16),
    _LiteStage(repeats=2, kernel=3, stride=2, expansion=6, filters=24),
    _LiteStage(repeats=2, kernel=5, stride=2, expansion=6, filters=40),
    _LiteStage(repeats=3, kernel=3, stride=2, expansion=6, filters=80),
    _LiteStage(repeats=3, kernel=5, stride=1, expansion=6, filters=112),
    _LiteStage(repeats=4, kernel=5, stride=2, expansion=6, filters=192),
    _LiteStage(repeats=1, kernel=3, stride=1, expansion=6, filters=320),
)
_BLOCKS = sum(stage.repeats for stage in _STAGES)


def features(scaled: keras.KerasTensor) -> keras.KerasTensor:
    """Return the feature map [batch, rows, columns, 1280] of scaled images."""
    x = _conv(scaled, _STEM_FILTERS, 3, name="stem_conv", stride=2)
    x = _relu6(_norm(x, "stem_bn"), "stem_activation")
    index = 0
    for number, stage in enumerate(_STAGES, start=1):
        for repeat in range(stage.repeats):
            name = f"block{number}{chr(ord('a') + repeat)}_"
            stride = stage.stride if repeat == 0 else 1
            drop = _DROP_CONNECT * index / _BLOCKS
            x = _block(x, stage, name=name, stride=stride, drop=drop)
            index += 1
    x = _conv(x, _TOP_FILTERS, 1, name="top_conv")
    return _relu6(_norm(x, "top_bn"), "top_activation")


def _block(
    inputs: keras.KerasTensor, stage: _LiteStage, *, name: str, stride: int, drop: float
) -> keras.KerasTensor:
    x, channels = inputs, inputs.shape[-1]
    if stage.expansion > 1:
        x = _conv(x, channels * stage.expansion, 1, name=f"{name}expand_conv")
        x = _relu6(_norm(x, f"{name}expand_bn"), f"{name}expand_activation")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_INITIALIZER,
        name=f"{name}dwconv",
    )(x)
    x = _relu6(_norm(x, f"{name}bn"), f"{name}activation")
    x = _conv(x, stage.filters, 1, name=f"{name}project_conv")
    x = _norm(x, f"{name}project_bn")
    if stride > 1 or channels != stage.filters:
        return x
    x = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return keras.layers.Add(name=f"{name}add")([x, inputs])


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, *, name: str, stride: int = 1
) -> keras.KerasTensor:
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_INITIALIZER,
        name=name,
    )(x)


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=_EPSILON, name=name
    )(x)


def _relu6(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.ReLU(6.0, name=name)(x)


def load_imagenet(network: keras.Model) -> None:
    """Give the layers of `features` in `network` their ImageNet weights.

    Raises:
        errors.ConfigError: where the package with the weights is missing or altered.
    """
    tensors = torch_file.read(
        efficientnet_lite_file.read(efficientnet_lite_file.find())
    )
    for variable, value in _pairs(network, tensors):
        variable.assign(value)


def _pairs(
    network: keras.Model, tensors: Mapping[str, np.ndarray]
) -> Iterator[tuple[keras.Variable, np.ndarray]]:
    """Yield every variable with its value, in Keras' order of axes."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            name = _torch_name(layer.name)
            yield layer.gamma, tensors[f"{name}.weight"]
            yield layer.beta, tensors[f"{name}.bias"]
            yield layer.moving_mean, tensors[f"{name}.running_mean"]
            yield layer.moving_variance, tensors[f"{name}.running_var"]
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel = tensors[f"{_torch_name(layer.name)}.weight"]
            yield layer.kernel, kernel.transpose(2, 3, 0, 1)
        elif isinstance(layer, keras.layers.Conv2D):
            kernel = tensors[f"{_torch_name(layer.name)}.weight"]
            yield layer.kernel, kernel.transpose(2, 3, 1, 0)


_TORCH_NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv": "_depthwise_conv",
    "bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def _torch_name(layer: str) -> str:
    """Return `_blocks.2._expand_conv` for `block2b_expand_conv`."""
    match = re.fullmatch(r"block(\d)([a-z])_(\w+)", layer)
    if not match:
        return _TORCH_NAMES[layer]
    before = sum(stage.repeats for stage in _STAGES[: int(match[1]) - 1])
    index = before + ord(match[2]) - ord("a")
    return f"_blocks.{index}.{_TORCH_NAMES[match[3]]}"
