"""Google's YAMNet as a flat graph: a MobileNet of spectrograms, learned on AudioSet.

Each patch of 0.96 s is answered apart, by a convolution and 13 separable ones (Howard
et al., arXiv 1704.04861). Layers, strides and the names of the weights are those of
research/audioset/yamnet/yamnet.py of tensorflow/models. Between blocks the patches of
an example stay together, so that a cut gives one tensor for each example.
"""

from typing import Any

import keras
import numpy as np

from kft.backbones.audio import patch_log_mel
from kft.backbones.audio.patch_log_mel import PatchLogMel
from kft.backbones.audio.speech_embedding import SplitWindows
from kft.config.stages import Blocks

# Of each layer: its features, and the stride of its convolution over time and bands.
_LAYERS: tuple[tuple[int, int], ...] = (
    (32, 2),
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
BLOCKS = Blocks(tuple(f"layer_{number}" for number in range(1, len(_LAYERS) + 1)))
WIDTH = _LAYERS[-1][0]
_PATCHES = "patches"


@keras.saving.register_keras_serializable(package="kft")
class PatchesApart(keras.layers.Layer):
    """Each patch as an example of its own."""

    def call(self, patches: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch * patches, ...] of [batch, patches, ...]."""
        return keras.ops.reshape(patches, (-1, *patches.shape[2:]))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch * patches, ...]."""
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable(package="kft")
class PatchesTogether(keras.layers.Layer):
    """The patches of an example side by side."""

    def __init__(self, patches: int, **kwargs: Any) -> None:
        """Make the layer; `patches` is those of an example."""
        super().__init__(**kwargs)
        self.patches = patches

    def call(self, apart: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, patches, ...] of [batch * patches, ...]."""
        return keras.ops.reshape(apart, (-1, self.patches, *apart.shape[1:]))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, patches, ...]."""
        return (None, self.patches, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "patches": self.patches}


def build(waveform: keras.KerasTensor, *, windows: int = 1) -> keras.KerasTensor:
    """Return the outputs [batch, patches, 1, 1024] of sounds [batch, samples].

    Args:
        waveform: output of `keras.Input`, samples in [-1, 1] at 16 kHz: windows one
            after the other.
        windows: how many; no patch sees parts of two.
    """
    x = waveform
    if windows > 1:
        samples = waveform.shape[1] // windows
        x = SplitWindows(samples, name="split_windows")(x)
    x = PatchLogMel(name="log_mel")(x)
    count = windows * x.shape[1]
    x = PatchesApart(name="patches_apart")(x)
    x = keras.layers.Reshape((*x.shape[1:], 1), name="one_channel")(x)
    x = PatchesTogether(count, name=_PATCHES)(x)
    for name, (width, stride) in zip(BLOCKS.names, _LAYERS, strict=True):
        x = PatchesApart(name=f"{name}_apart")(x)
        if name == BLOCKS.names[0]:
            x = _conv(x, width, 3, stride=stride, name=f"{name}_conv")
        else:
            x = _separable(x, width, stride=stride, name=name)
        if name != BLOCKS.names[-1]:
            x = PatchesTogether(count, name=f"{name}_together")(x)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="embedding")(x)
    x = keras.layers.Reshape((1, WIDTH), name="one_row")(x)
    return PatchesTogether(count, name="embeddings")(x)


def _separable(
    x: keras.KerasTensor, width: int, *, stride: int, name: str
) -> keras.KerasTensor:
    convolved = keras.layers.DepthwiseConv2D(
        3,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_normal",
        name=f"{name}_depthwise",
    )(x)
    x = _activated(convolved, f"{name}_depthwise")
    return _conv(x, width, 1, stride=1, name=f"{name}_pointwise")


def _conv(
    x: keras.KerasTensor, width: int, kernel: int, *, stride: int, name: str
) -> keras.KerasTensor:
    """Return a convolution; begun at random, so that signals keep their size."""
    convolved = keras.layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return _activated(convolved, name)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(scale=False, epsilon=1e-4, name=f"{name}_norm")(
        x
    )
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def centres(samples: int, windows: int) -> np.ndarray:
    """Return where the middle of each patch lies, as shares of the input.

    Args:
        samples: of a window.
        windows: one after the other.
    """
    steps = np.arange(patch_log_mel.patches(samples))
    middles = patch_log_mel.PATCH_HOP * steps + patch_log_mel.PATCH / 2
    of_window = np.minimum(middles / samples, 1.0)
    found: np.ndarray = np.add.outer(np.arange(windows), of_window) / windows
    return found.reshape(-1)


def cut_anchors() -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    below = (_PATCHES, *(f"{name}_together" for name in BLOCKS.names[:-1]))
    return dict(zip(BLOCKS.names, below, strict=True))


def stored_names() -> dict[str, str]:
    """Return the data set in yamnet.h5 of each weight, by `layer/weight` of the graph.

    The file is as Keras 2 writes weights: a group of the layer's name, and in it the
    weight's whole name.
    """
    found = {}
    for number, name in enumerate(BLOCKS.names, start=1):
        parts = ("conv",) if number == 1 else ("depthwise", "pointwise")
        for part in parts:
            theirs = f"layer{number}/{'conv' if number == 1 else f'{part}_conv'}"
            kernel = "depthwise_kernel" if part == "depthwise" else "kernel"
            # Keras 3 calls that of a depthwise convolution a kernel, too.
            found[f"{name}_{part}/kernel"] = f"{theirs}/{theirs}/{kernel}:0"
            for weight in ("beta", "moving_mean", "moving_variance"):
                found[f"{name}_{part}_norm/{weight}"] = (
                    f"{theirs}/bn/{theirs}/bn/{weight}:0"
                )
    return found
