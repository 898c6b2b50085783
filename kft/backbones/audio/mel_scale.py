"""The mel scale of Slaney's Auditory Toolbox (1998): matrices from a spectrum to it."""

import dataclasses

import numpy as np

from kft.backbones.audio import spectrum

# Linear up to 1 kHz, which is mel 15, then 27 mels for a factor of 6.4.
_HERTZ_PER_MEL, _BREAK_HERTZ, _BREAK_MEL = 200 / 3, 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


@dataclasses.dataclass(frozen=True)
class MelScale:
    """Bands of a mel spectrogram, and the frames below it.

    Attributes:
        sample_rate: in hertz.
        window: samples of a frame, with a periodic Hann window over them.
        fft_length: samples of a frame with its zeros on both sides.
        hop: samples from frame to frame.
        bands: number of mel bands.
        lowest: frequency at which the first band begins, in hertz.
        highest: frequency at which the last one ends, in hertz.
    """

    sample_rate: int = 16_000
    window: int = 400
    fft_length: int = 512
    hop: int = 160
    bands: int = 32
    lowest: float = 0.0
    highest: float = 8000.0

    def matrix(self) -> np.ndarray:
        """Return the weight of each frequency in each band, [fft / 2 + 1, bands].

        Triangles that overlap by half, of one area each.
        """
        edges = hertz(np.linspace(mel(self.lowest), mel(self.highest), self.bands + 2))
        below, middle, above = edges[:-2], edges[1:-1], edges[2:]
        bins = np.arange(self.fft_length // 2 + 1)[:, None]
        frequencies = bins * self.sample_rate / self.fft_length
        rising = (frequencies - below) / (middle - below)
        falling = (above - frequencies) / (above - middle)
        triangles = np.maximum(0.0, np.minimum(rising, falling))
        weights: np.ndarray = triangles * 2 / (above - below)
        return weights

    def fourier(self) -> tuple[np.ndarray, np.ndarray]:
        """Return cosine and sine parts of windowed Fourier transforms.

        Only of the frequencies that a band has a part of, with the band weights.

        Returns:
            [window, 2 * k]: what samples are multiplied with, first all real parts; and
            [k, bands], see `matrix`.
        """
        weights = self.matrix()
        used = np.flatnonzero(weights.any(axis=1))
        samples = np.arange(self.window)[:, None]
        angles = 2 * np.pi * used * (samples % self.fft_length) / self.fft_length
        return spectrum.windowed_parts(angles), weights[used]


def of_rate(sample_rate: int, bands: int) -> MelScale:
    """Return frames of 25 ms every 10 ms, with frequencies fine enough for the bands.

    Args:
        sample_rate: in hertz.
        bands: from 20 Hz to the highest frequency that there is.
    """
    window = round(0.025 * sample_rate)
    return MelScale(
        sample_rate=sample_rate,
        window=window,
        # The power of two above, and as much again.
        fft_length=2 ** (window - 1).bit_length() * 2,
        hop=round(0.01 * sample_rate),
        bands=bands,
        lowest=20.0,
        highest=sample_rate / 2,
    )


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Return frequencies in mels."""
    frequencies = np.asarray(hertz, np.float64)
    above = np.maximum(frequencies, _BREAK_HERTZ) / _BREAK_HERTZ
    logarithmic = _BREAK_MEL + np.log(above) / _LOG_STEP
    linear = frequencies / _HERTZ_PER_MEL
    return np.where(frequencies >= _BREAK_HERTZ, logarithmic, linear)


def hertz(mels: np.ndarray) -> np.ndarray:
    """Return mels as frequencies in hertz."""
    logarithmic = _BREAK_HERTZ * np.exp((mels - _BREAK_MEL) * _LOG_STEP)
    return np.where(mels >= _BREAK_MEL, logarithmic, mels * _HERTZ_PER_MEL)
