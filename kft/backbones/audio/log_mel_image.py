"""Spectrograms as images, for networks that were trained on images."""

from typing import Any

import keras

from kft.backbones.audio import audio_backbone, mel_scale
from kft.backbones.audio.log_mel import LogMel
from kft.backbones.image import build_family, image_table

_DYNAMIC_RANGE = 80.0


@keras.saving.register_keras_serializable(package="kft")
class SpectrogramImage(keras.layers.Layer):
    """Decibels as gray levels of an image: time to the right, high tones at the top.

    The loudest place is white, 255, and 80 dB below it is black.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)

    def call(self, decibels: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, bands, frames, 3] of decibels [batch, frames, bands]."""
        loudest = keras.ops.max(decibels, axis=(1, 2), keepdims=True)
        levels = (decibels - loudest + _DYNAMIC_RANGE) * (255.0 / _DYNAMIC_RANGE)
        image = keras.ops.flip(keras.ops.swapaxes(levels, 1, 2), axis=1)
        return keras.ops.repeat(keras.ops.expand_dims(image, -1), 3, axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, bands, frames, 3]."""
        batch, frames, bands = input_shape
        return (batch, bands, frames, 3)


def build(
    waveform: keras.KerasTensor, name: str, *, sample_rate: int, weights: str
) -> keras.KerasTensor:
    """Return the feature map [batch, rows, columns, channels] of sounds.

    Args:
        waveform: output of `keras.Input`, [batch, samples] in [-1, 1].
        name: of an image backbone.
        sample_rate: in hertz.
        weights: `imagenet` or `none`.

    Raises:
        errors.ConfigError: for weights that cannot be had.
    """
    scale = mel_scale.of_rate(sample_rate, audio_backbone.IMAGE_BANDS)
    decibels = LogMel(scale, name="log_mel")(waveform)
    image = SpectrogramImage(name="spectrogram_image")(decibels)
    return build_family.build(image_table.get(name), image, weights)
