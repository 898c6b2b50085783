"""Sounds for the eye: the waveform above the spectrogram, as one image."""

import numpy as np

from kft.backbones.audio import mel_scale

BANDS, WAVE_ROWS = 96, 32
_MOST_COLUMNS = 480
_DYNAMIC_RANGE = 80.0
# Quiet to loud: dark, violet, orange, light.
_COLORS = np.array(
    [[4, 4, 20], [80, 24, 110], [200, 60, 80], [250, 160, 60], [252, 250, 200]]
)
_WAVE, _GROUND = (60, 90, 160), (245, 245, 248)


def draw(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return waveform and spectrogram, uint8 [rows, columns, 3]; time to the right.

    Args:
        samples: float32 [n] in [-1, 1].
        sample_rate: in hertz.
    """
    levels = decibels(samples, sample_rate)
    columns = min(len(levels), _MOST_COLUMNS)
    chosen = np.linspace(0, len(levels) - 1, columns).round().astype(int)
    shares = 1.0 + (levels[chosen] - levels.max()) / _DYNAMIC_RANGE
    places = np.linspace(0.0, 1.0, len(_COLORS))
    colored = np.stack(
        [np.interp(shares, places, channel) for channel in _COLORS.T], axis=-1
    )
    # High tones at the top.
    spectrogram = colored.transpose(1, 0, 2)[::-1]
    return np.concatenate([_waveform(samples, columns), spectrogram]).astype(np.uint8)


def decibels(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the power in bands of the mel scale, [frames, bands], floored at 80 dB.

    Args:
        samples: float32 [n] in [-1, 1].
        sample_rate: in hertz.
    """
    scale = mel_scale.of_rate(sample_rate, BANDS)
    window = scale.window
    parts, weights = scale.fourier()
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: scale.hop]
    real, imaginary = np.split(frames @ parts, 2, axis=-1)
    powers = (real**2 + imaginary**2) @ weights
    found = 10.0 * np.log10(np.maximum(powers, 1e-10))
    floored: np.ndarray = np.maximum(found, found.max() - _DYNAMIC_RANGE)
    return floored


def _waveform(samples: np.ndarray, columns: int) -> np.ndarray:
    """Return the range of the samples at each column, [rows, columns, 3]."""
    largest = max(float(np.abs(samples).max()), 1e-6)
    drawn = np.full([WAVE_ROWS, columns, 3], _GROUND)
    middles = (WAVE_ROWS - 1) / 2
    for column, part in enumerate(np.array_split(samples / largest, columns)):
        rows = middles - middles * np.array([part.max(), part.min()])
        top, bottom = np.clip(rows.round().astype(int), 0, WAVE_ROWS - 1)
        drawn[top : bottom + 1, column] = _WAVE
    return drawn
