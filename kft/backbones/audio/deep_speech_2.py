"""DeepSpeech 2 (Amodei et al., arXiv 1512.02595) as a flat graph.

Convolutions over a spectrogram, and recurrent layers that read it in both directions,
with BatchNorm over all steps before each. What fills up a batch is in no statistic, and
the backward direction begins at the last step of each sound.
"""

from typing import Any

import keras
import numpy as np

from kft.backbones.audio import spectrum
from kft.backbones.audio.deep_speech_2_sizes import (
    FRAMES_PER_ROW,
    FREQUENCIES,
    ConvolutionSizes,
    DeepSpeech2Sizes,
)
from kft.backbones.mask_steps import MaskSteps

SPECTROGRAM_END = "spectrogram_masked"
# What an activation gives at most.
_CLIP = 20.0
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="kft")
class LogSpectrogram(keras.Layer):
    """log(1 + magnitude) of the frames of each row, [batch, rows, 2 * 161].

    A frame has 20 ms under a Hann window; the second of a row reads half of the next.
    """

    def __init__(self, *, dtype: Any = "float32", **kwargs: Any) -> None:
        super().__init__(dtype=dtype, **kwargs)
        window = 2 * (FREQUENCIES - 1)
        samples = np.arange(window)[:, None]
        angles = 2 * np.pi * samples * np.arange(FREQUENCIES) / window
        parts = spectrum.windowed_parts(angles)
        self._fourier = parts[:, None, :].astype(np.float32)

    def call(self, rows: keras.KerasTensor) -> keras.KerasTensor:
        """Return logarithms of rows of samples [batch, rows, 320] in [-1, 1]."""
        count, width = keras.ops.shape(rows)[1], rows.shape[2]
        hop = width // FRAMES_PER_ROW
        waves = keras.ops.reshape(rows, (-1, count * width, 1))
        padded = keras.ops.pad(waves, ((0, 0), (0, hop), (0, 0)))
        power = spectrum.power(padded, self._fourier, hop=hop)
        # Not log1p: tf2onnx (1.17) does not know it.
        logarithms = keras.ops.log(1.0 + keras.ops.sqrt(power))
        features = FRAMES_PER_ROW * FREQUENCIES
        return keras.ops.reshape(logarithms, (-1, count, features))

    def compute_output_shape(
        self, rows_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, rows, features]."""
        return (*rows_shape[:2], FRAMES_PER_ROW * FREQUENCIES)


@keras.saving.register_keras_serializable(package="kft")
class StandardizeSound(keras.Layer):
    """Each sound with the mean 0 and the variance 1 over its real steps."""

    def call(
        self, inputs: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the inputs [batch, steps, features], whose mask is [batch, steps]."""
        real = keras.ops.cast(keras.ops.expand_dims(mask_steps, -1), inputs.dtype)
        steps = keras.ops.maximum(keras.ops.sum(real, axis=1, keepdims=True), 1.0)
        count = steps * inputs.shape[-1]
        every = {"axis": (1, 2), "keepdims": True}
        mean = keras.ops.sum(inputs * real, **every) / count
        centred = (inputs - mean) * real
        variance = keras.ops.sum(keras.ops.square(centred), **every) / count
        return centred / keras.ops.sqrt(variance + _EPSILON)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return inputs_shape


@keras.saving.register_keras_serializable(package="kft")
class StepsBatchNormalization(keras.layers.BatchNormalization):
    """BatchNorm over the real steps of all sounds of a batch, for each channel."""

    def build(
        self, inputs_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> None:
        """Make scale, offset and statistics."""
        del mask_steps_shape
        super().build(inputs_shape)

    def call(
        self,
        inputs: keras.KerasTensor,
        mask_steps: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return inputs [batch, steps, ..., channels]; the mask is [batch, steps]."""
        mask = keras.ops.cast(mask_steps, "bool")
        for _ in range(len(inputs.shape) - 3):
            mask = keras.ops.expand_dims(mask, -1)
        mask = keras.ops.broadcast_to(mask, keras.ops.shape(inputs)[:-1])
        return super().call(inputs, training=training, mask=mask)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return inputs_shape


@keras.saving.register_keras_serializable(package="kft")
class BidirectionalGru(keras.Layer):
    """The sum of two GRUs, of which one reads a sound from its last step on."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.both = keras.layers.Bidirectional(
            keras.layers.GRU(units, return_sequences=True, dtype=self.dtype_policy),
            merge_mode="sum",
            name="both",
            dtype=self.dtype_policy,
        )

    def build(self, steps_shape: tuple[int | None, ...], mask_steps_shape: Any) -> None:
        """Make the weights of both directions."""
        del mask_steps_shape
        self.both.build(steps_shape)

    def call(
        self,
        steps: keras.KerasTensor,
        mask_steps: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return [batch, steps, units] of steps and their mask [batch, steps].

        They are zeros for steps that only fill up a batch.
        """
        outputs = self.both(steps, mask=mask_steps > 0, training=training)
        real = keras.ops.expand_dims(mask_steps, -1)
        return outputs * keras.ops.cast(real, outputs.dtype)

    def compute_output_shape(
        self, steps_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return as many steps of `units`."""
        return (*steps_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "units": self.units}


def build(
    rows: keras.KerasTensor, mask: keras.KerasTensor, sizes: DeepSpeech2Sizes
) -> keras.KerasTensor:
    """Return a vector of each 20 ms, [batch, rows, units].

    Args:
        rows: output of `keras.Input`, [batch, rows, 320], samples at 16 kHz in [-1, 1].
        mask: likewise, int32 [batch, rows], 1 for the rows of the sound.
        sizes: of the network.
    """
    x = MaskSteps(name="rows_masked")(rows, mask)
    x = LogSpectrogram(name="log_spectrogram")(x)
    x = StandardizeSound(name="standardized", dtype="float32")(x, mask)
    x = MaskSteps(name=SPECTROGRAM_END)(x, mask)
    frequencies, channels = FREQUENCIES, 1
    # The first convolution makes one step of the frames of a row.
    for number, one in enumerate(sizes.convolutions, start=1):
        x = keras.layers.Reshape((-1, frequencies, channels), name=f"conv_{number}_in")(
            x
        )
        frequencies, channels = -(-frequencies // one.strides[1]), one.filters
        x = _convolution(x, mask, f"conv_{number}", one)
    for number in range(1, sizes.recurrent_layers + 1):
        name = f"gru_{number}"
        if number > 1:
            x = StepsBatchNormalization(name=f"{name}_norm")(x, mask)
        x = BidirectionalGru(sizes.units, name=name)(x, mask)
    return x


def cut_anchors(sizes: DeepSpeech2Sizes) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    names = sizes.blocks.names
    ends = [name if name.startswith("gru") else f"{name}_masked" for name in names]
    below = [SPECTROGRAM_END, *ends[:-1]]
    return dict(zip(names, below, strict=True))


def _convolution(
    x: keras.KerasTensor,
    mask: keras.KerasTensor,
    name: str,
    sizes: ConvolutionSizes,
) -> keras.KerasTensor:
    """Return [batch, rows, frequencies * filters] of frames, or of rows."""
    x = keras.layers.Conv2D(
        sizes.filters,
        sizes.kernel,
        strides=sizes.strides,
        padding="same",
        use_bias=False,
        name=name,
    )(x)
    x = StepsBatchNormalization(name=f"{name}_norm")(x, mask)
    x = keras.layers.ReLU(max_value=_CLIP, name=f"{name}_relu")(x)
    flat = x.shape[2] * sizes.filters
    x = keras.layers.Reshape((-1, flat), name=f"{name}_out")(x)
    return MaskSteps(name=f"{name}_masked")(x, mask)
