"""A Conformer (Gulati et al., arXiv 2005.08100) with CTC as a flat graph.

That of the package hama: a convolution that halves the frames of 10 ms, and blocks of
dense layers, attention, a convolution and dense layers again. It knows no positions.
"""

import dataclasses
from typing import Any

import keras

from kft.backbones import gelu
from kft.backbones.audio.frame_log_mel import FrameLogMel
from kft.backbones.audio.mel_scale import MelScale
from kft.backbones.mask_steps import MaskSteps
from kft.config.stages import Blocks

SCALE = MelScale(fft_length=400, bands=80, lowest=20.0, highest=7600.0)
# Samples that become one output.
SAMPLES_PER_STEP = 2 * SCALE.hop
STEM_END = "stem_masked"
_EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class ConformerSizes:
    """How large a Conformer is.

    Attributes:
        width: features of a step; a multiple of `heads`.
        layers: each of them a block.
        heads: of the attention.
        kernel: steps that the convolution of a block sees, an odd number.
    """

    width: int = 144
    layers: int = 4
    heads: int = 4
    kernel: int = 31

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; the first convolution is below all blocks."""
        numbers = range(1, self.layers + 1)
        return Blocks(tuple(f"block_{number}" for number in numbers))


@keras.saving.register_keras_serializable(package="kft")
class AttentionOverSteps(keras.Layer):
    """Attention of each step to all that are real."""

    def __init__(self, heads: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.width = width
        self.attention = keras.layers.MultiHeadAttention(
            heads, width // heads, name="attention", dtype=self.dtype_policy
        )

    def build(self, steps_shape: tuple[int | None, ...], mask_steps_shape: Any) -> None:
        """Make queries, keys, values and output."""
        del mask_steps_shape
        self.attention.build(steps_shape, steps_shape)

    def call(
        self, steps: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return what each step reads of the others, [batch, steps, width]."""
        seen = keras.ops.expand_dims(mask_steps > 0, 1)
        return self.attention(steps, steps, attention_mask=seen)

    def compute_output_shape(
        self, steps_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the steps."""
        return steps_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "heads": self.heads, "width": self.width}


@keras.saving.register_keras_serializable(package="kft")
class Gate(keras.Layer):
    """The first half of the features, each times the sigmoid of one of the second."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, steps, features] of [batch, steps, 2 * features]."""
        values, gates = keras.ops.split(inputs, 2, axis=-1)
        return values * keras.ops.sigmoid(gates)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return half of the features."""
        features = input_shape[-1]
        return (*input_shape[:-1], None if features is None else features // 2)


def build(
    rows: keras.KerasTensor,
    mask: keras.KerasTensor,
    sizes: ConformerSizes | None = None,
) -> keras.KerasTensor:
    """Return a vector of each 20 ms, [batch, rows, width].

    Args:
        rows: output of `keras.Input`, [batch, rows, 320], samples at 16 kHz in [-1, 1].
        mask: likewise, int32 [batch, rows], 1 for the rows of the sound.
        sizes: of the network; None for those that are published.
    """
    sizes = sizes or ConformerSizes()
    x = FrameLogMel(SCALE, name="log_mel")(rows, mask)
    x = keras.layers.ZeroPadding1D(1, name="stem_padding")(x)
    x = keras.layers.Conv1D(sizes.width, 3, strides=2, name="stem_conv")(x)
    x = gelu.ExactGelu(name="stem_gelu")(x)
    x = MaskSteps(name=STEM_END)(x, mask)
    for name in sizes.blocks.names:
        x = _block(x, mask, name, sizes)
    return x


def cut_anchors(sizes: ConformerSizes | None = None) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    names = (sizes or ConformerSizes()).blocks.names
    below = [STEM_END, *(f"{name}_output" for name in names[:-1])]
    return dict(zip(names, below, strict=True))


def _block(
    x: keras.KerasTensor, mask: keras.KerasTensor, name: str, sizes: ConformerSizes
) -> keras.KerasTensor:
    x = _dense(x, f"{name}_first", sizes)
    attention = AttentionOverSteps(sizes.heads, sizes.width, name=f"{name}_attention")
    y = attention(_norm(x, f"{name}_attention_norm"), mask)
    x = keras.layers.Add(name=f"{name}_attended")([x, y])
    y = _convolution(_norm(x, f"{name}_conv_norm"), mask, f"{name}_conv", sizes)
    x = keras.layers.Add(name=f"{name}_convolved")([x, y])
    x = _dense(x, f"{name}_second", sizes)
    return _norm(x, f"{name}_output")


def _dense(x: keras.KerasTensor, name: str, sizes: ConformerSizes) -> keras.KerasTensor:
    """Return steps to which half of what two dense layers make of them is added."""
    y = _norm(x, f"{name}_norm")
    y = keras.layers.Dense(4 * sizes.width, name=f"{name}_expand")(y)
    y = keras.layers.Activation("silu", name=f"{name}_silu")(y)
    y = keras.layers.Dense(sizes.width, name=f"{name}_project")(y)
    y = keras.layers.Rescaling(0.5, name=f"{name}_half")(y)
    return keras.layers.Add(name=f"{name}_added")([x, y])


def _convolution(
    x: keras.KerasTensor, mask: keras.KerasTensor, name: str, sizes: ConformerSizes
) -> keras.KerasTensor:
    x = keras.layers.Dense(2 * sizes.width, name=f"{name}_expand")(x)
    x = Gate(name=f"{name}_gate")(x)
    x = MaskSteps(name=f"{name}_masked")(x, mask)
    x = keras.layers.DepthwiseConv1D(
        sizes.kernel, padding="same", name=f"{name}_depthwise"
    )(x)
    x = keras.layers.Activation("silu", name=f"{name}_silu")(x)
    return keras.layers.Dense(sizes.width, name=f"{name}_project")(x)


def _norm(x: keras.KerasTensor, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=_EPSILON, name=name)(x)
