"""Bands of the mel scale as TensorFlow computes them: triangles over mels.

`tf.signal.linear_to_mel_weight_matrix` and `tf.raw_ops.Mfcc` do, each with a choice of
its own of the frequencies that a band may read. `mel_scale` has those of Slaney.
"""

import numpy as np


def weights(
    frequencies: np.ndarray, *, bands: int, lowest: float, highest: float
) -> np.ndarray:
    """Return the weight of each frequency in each band, float64 [frequencies, bands].

    They are triangles over mels, with a peak of 1, that overlap by half.

    Args:
        frequencies: in hertz.
        bands: with equal distances in mels from `lowest` to `highest`.
        lowest: where the first one begins, in hertz.
        highest: where the last one ends, in hertz.
    """
    edges = np.linspace(_mel(lowest), _mel(highest), bands + 2)
    below, middle, above = edges[:-2], edges[1:-1], edges[2:]
    mels = _mel(frequencies)[:, None]
    rising = (mels - below) / (middle - below)
    falling = (above - mels) / (above - middle)
    triangles: np.ndarray = np.maximum(0.0, np.minimum(rising, falling))
    return triangles


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    """Return frequencies on the mel scale of TensorFlow (O'Shaughnessy, 1987)."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))
