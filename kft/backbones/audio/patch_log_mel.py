"""The front end of YAMNet as a layer: samples to patches of a log-mel spectrogram.

Its original calls `tf.signal.stft`, `tf.signal.linear_to_mel_weight_matrix` and
`tf.signal.frame` (research/audioset/yamnet/features.py of tensorflow/models, with the
numbers of its params.py). Here frames and Fourier transform are one convolution, see
`spectrum`.
"""

from typing import Any

import keras
import numpy as np

from kft.backbones.audio import mel_triangles, spectrum

SAMPLE_RATE = 16_000
# Samples of a frame, of its Fourier transform, and from frame to frame.
_WINDOW, _FFT_LENGTH, _HOP = 400, 512, 160
BANDS, _LOWEST, _HIGHEST = 64, 125.0, 7500.0
# Frames of a patch, and from patch to patch.
FRAMES, FRAME_HOP = 96, 48
# Samples that a patch is made of, and from patch to patch.
PATCH, PATCH_HOP = (FRAMES - 1) * _HOP + _WINDOW, FRAME_HOP * _HOP
_LOG_OFFSET = 1e-3
# Beside the offset it is nothing; the root of 0 has no gradient.
_LEAST_POWER = 1e-20


def patches(samples: int) -> int:
    """Return how many patches there are of so many samples, at least one."""
    return 1 + max(0, -(-(samples - PATCH) // PATCH_HOP))


def _parts() -> np.ndarray:
    """Return what samples of a frame are multiplied with, [window, 1, 2 * k]."""
    samples = np.arange(_WINDOW)[:, None]
    angles = 2 * np.pi * samples * np.arange(_FFT_LENGTH // 2 + 1) / _FFT_LENGTH
    return spectrum.windowed_parts(angles)[:, None, :].astype(np.float32)


def _bank() -> np.ndarray:
    """Return the weight of each frequency in each band, [k, bands]."""
    frequencies = np.arange(_FFT_LENGTH // 2 + 1) * SAMPLE_RATE / _FFT_LENGTH
    bank = mel_triangles.weights(
        frequencies, bands=BANDS, lowest=_LOWEST, highest=_HIGHEST
    )
    return bank.astype(np.float32)


@keras.saving.register_keras_serializable(package="kft")
class PatchLogMel(keras.layers.Layer):
    """log(magnitude in mel bands + 0.001), [batch, patches, frames, bands], float32.

    Patches of 0.96 s overlap by half. Behind the sound is silence up to the end of the
    last one.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._parts, self._bank = _parts(), _bank()

    def call(self, samples: keras.KerasTensor) -> keras.KerasTensor:
        """Return patches of samples [batch, samples] in [-1, 1] at 16 kHz."""
        count = patches(samples.shape[1])
        behind = PATCH + (count - 1) * PATCH_HOP - samples.shape[1]
        padded = keras.ops.pad(samples, ((0, 0), (0, behind)))
        waves = keras.ops.expand_dims(keras.ops.cast(padded, "float32"), -1)
        power = spectrum.power(waves, self._parts, hop=_HOP)
        magnitude = keras.ops.sqrt(keras.ops.maximum(power, _LEAST_POWER))
        bands = keras.ops.matmul(magnitude, self._bank)
        starts = FRAME_HOP * np.arange(count)[:, None]
        return keras.ops.take(
            keras.ops.log(bands + _LOG_OFFSET), starts + np.arange(FRAMES), axis=1
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, patches, frames, bands]."""
        batch, samples = input_shape
        count = None if samples is None else patches(samples)
        return (batch, count, FRAMES, BANDS)
