"""Power spectra of frames, as one convolution with constants.

The formats of exports have no Fourier transform of real numbers in common.
"""

from typing import Any

import keras
import numpy as np


def windowed_parts(angles: np.ndarray) -> np.ndarray:
    """Return what the samples of a frame are multiplied with, float64 [window, 2 * k].

    Cosines, then sines, with a periodic Hann window over them.

    Args:
        angles: of each sample at each of k frequencies, [window, k], in radians.
    """
    samples = np.arange(len(angles))[:, None]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * samples / len(angles))
    parts: np.ndarray = hann * np.concatenate([np.cos(angles), -np.sin(angles)], axis=1)
    return parts


def power(waves: keras.KerasTensor, parts: Any, *, hop: int) -> keras.KerasTensor:
    """Return the power of each frequency in each frame, [batch, frames, k].

    Args:
        waves: samples, [batch, samples, 1].
        parts: see `windowed_parts`, [window, 1, 2 * k].
        hop: samples from frame to frame.
    """
    spectrum = keras.ops.conv(waves, parts, strides=hop, padding="valid")
    real, imaginary = keras.ops.split(spectrum, 2, axis=-1)
    return keras.ops.square(real) + keras.ops.square(imaginary)
