"""The encoder of Whisper (Radford et al., arXiv 2212.04356) as a flat graph.

It was trained on windows of 30 s. It reads windows of any length up to that, whose
positions are counted from their begin: for classes of short sounds that is enough. The
decoder repeats itself after shorter ones.
"""

from typing import Any

import keras
import numpy as np

from kft.backbones import gelu
from kft.backbones.audio.log_mel import LogMel
from kft.backbones.audio.mel_scale import MelScale
from kft.backbones.audio.whisper_config import WhisperSizes

SCALE = MelScale(fft_length=400, bands=80)
SAMPLE_RATE = SCALE.sample_rate
# Samples that become one output.
SAMPLES_PER_STEP = 2 * SCALE.hop
_EPSILON = 1e-5
_LONGEST_PERIOD = 10_000.0


@keras.saving.register_keras_serializable(package="kft")
class Sinusoids(keras.layers.Layer):
    """Add sines and cosines of the position, with periods from 2 pi to 10,000 times."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return inputs [batch, steps, features] with the positions added."""
        _, steps, features = inputs.shape
        return inputs + keras.ops.cast(sinusoids(steps, features), inputs.dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape


def sinusoids(steps: int, features: int) -> np.ndarray:
    """Return the positions [steps, features]: first all sines, then all cosines."""
    half = features // 2
    rates = _LONGEST_PERIOD ** (-np.arange(half) / (half - 1))
    angles = np.arange(steps)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def build(
    waveform: keras.KerasTensor, sizes: WhisperSizes | None = None
) -> keras.KerasTensor:
    """Return the outputs [batch, steps, 1, features] of sounds [batch, samples].

    Args:
        waveform: output of `keras.Input`, samples in [-1, 1] at 16 kHz, up to 30 s.
        sizes: of the network; None for those of tiny.en.
    """
    sizes = sizes or WhisperSizes()
    x = encode(waveform, sizes)
    return keras.layers.Reshape((x.shape[1], 1, sizes.width), name="steps")(x)


def encode(waveform: keras.KerasTensor, sizes: WhisperSizes) -> keras.KerasTensor:
    """Return what `build` does, as the decoder reads it: [batch, steps, features]."""
    x = LogMel(SCALE, padding=SCALE.fft_length // 2, name="log_mel")(waveform)
    x = keras.layers.Cropping1D((0, 1), name="frames")(x)
    x = keras.layers.Rescaling(1 / 40, offset=1.0, dtype="float32", name="scaling")(x)
    for number, stride in ((1, 1), (2, 2)):
        name = f"stem_conv{number}"
        x = keras.layers.ZeroPadding1D(1, name=f"{name}_padding")(x)
        x = keras.layers.Conv1D(sizes.width, 3, strides=stride, name=name)(x)
        x = gelu.ExactGelu(name=f"{name}_gelu")(x)
    x = Sinusoids(name="positions")(x)
    for name in sizes.blocks.names:
        x = _layer(x, name, sizes)
    return _norm(x, "encoder_norm")


def cut_anchors(sizes: WhisperSizes | None = None) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    names = (sizes or WhisperSizes()).blocks.names
    below = ["positions", *(f"{name}_output" for name in names[:-1])]
    return dict(zip(names, below, strict=True))


def stored_names(sizes: WhisperSizes | None = None) -> dict[str, str]:
    """Return for each layer with weights the part of CTranslate2's names it has.

    The queries, keys and values of a layer are one matrix there.
    """
    found = {"stem_conv1": "encoder/conv1", "stem_conv2": "encoder/conv2"}
    for rank, name in enumerate((sizes or WhisperSizes()).blocks.names):
        place = f"encoder/layer_{rank}"
        found |= {
            f"{name}_attention_norm": f"{place}/self_attention/layer_norm",
            f"{name}_attention": f"{place}/self_attention",
            f"{name}_norm": f"{place}/ffn/layer_norm",
            f"{name}_expand": f"{place}/ffn/linear_0",
            f"{name}_project": f"{place}/ffn/linear_1",
        }
    return {**found, "encoder_norm": "encoder/layer_norm"}


def _layer(x: keras.KerasTensor, name: str, sizes: WhisperSizes) -> keras.KerasTensor:
    y = _norm(x, f"{name}_attention_norm")
    attention = keras.layers.MultiHeadAttention(
        sizes.heads, sizes.width // sizes.heads, name=f"{name}_attention"
    )
    x = keras.layers.Add(name=f"{name}_attended")([x, attention(y, y)])
    y = _norm(x, f"{name}_norm")
    y = keras.layers.Dense(4 * sizes.width, name=f"{name}_expand")(y)
    y = gelu.ExactGelu(name=f"{name}_gelu")(y)
    y = keras.layers.Dense(sizes.width, name=f"{name}_project")(y)
    return keras.layers.Add(name=f"{name}_output")([x, y])


def _norm(x: keras.KerasTensor, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=_EPSILON, name=name)(x)
