"""The front end as a layer: samples of sound to decibels in bands of the mel scale.

Frames and Fourier transform are one convolution, see `spectrum`.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from kft.backbones.audio import spectrum
from kft.backbones.audio.mel_scale import MelScale


@keras.saving.register_keras_serializable(package="kft")
class LogMel(keras.Layer):
    """10 log10 of the power in mel bands, [batch, frames, bands], float32.

    What lies more than `dynamic_range` below the loudest place of an input counts as
    that far below.
    """

    def __init__(
        self,
        scale: MelScale | dict[str, Any],
        *,
        gain: float = 1.0,
        dynamic_range: float = 80.0,
        padding: int = 0,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = "float32",
    ) -> None:
        """Make the layer.

        Args:
            scale: frames and bands.
            gain: what samples are multiplied with.
            dynamic_range: in decibels.
            padding: samples that are mirrored at both ends.
            name: of the layer.
            trainable: it has no weights.
            dtype: of the arithmetic.
        """
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.scale = MelScale(**scale) if isinstance(scale, dict) else scale
        self.gain = gain
        self.dynamic_range = dynamic_range
        self.padding = padding
        parts, self._weights_of_bands = self.scale.fourier()
        self._parts = parts[:, None, :].astype(np.float32)

    def call(self, samples: keras.KerasTensor) -> keras.KerasTensor:
        """Return decibels of samples [batch, samples] in [-1, 1]."""
        if self.padding:
            ends = ((0, 0), (self.padding, self.padding))
            samples = keras.ops.pad(samples, ends, mode="reflect")
        # A frame has zeros on both sides of the window, which are not multiplied with.
        side = (self.scale.fft_length - self.scale.window) // 2
        samples = samples[:, side : samples.shape[1] - side]
        waves = keras.ops.expand_dims(keras.ops.cast(samples, "float32"), -1)
        bands = keras.ops.matmul(
            spectrum.power(waves * self.gain, self._parts, hop=self.scale.hop),
            self._weights_of_bands.astype(np.float32),
        )
        logarithms = keras.ops.log(keras.ops.maximum(bands, 1e-10))
        decibels = logarithms * float(10 / np.log(10))
        loudest = keras.ops.max(decibels, axis=(1, 2), keepdims=True)
        return keras.ops.maximum(decibels, loudest - self.dynamic_range)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, frames, bands]."""
        batch, samples = input_shape
        return (batch, self.frames(samples), self.scale.bands)

    def frames(self, samples: int | None) -> int | None:
        """Return how many frames there are in so many samples."""
        if samples is None:
            return None
        within = samples + 2 * self.padding - self.scale.fft_length
        return within // self.scale.hop + 1

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "scale": dataclasses.asdict(self.scale),
            "gain": self.gain,
            "dynamic_range": self.dynamic_range,
            "padding": self.padding,
        }
