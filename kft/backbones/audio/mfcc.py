"""Mel-frequency cepstral coefficients, as TensorFlow's own operations compute them.

DeepSpeech reads what `tf.raw_ops.AudioSpectrogram` and `tf.raw_ops.Mfcc` make of a
sound. Those run on CPUs alone and in no format of exports, so here frames, Fourier
transform, bands and cosine transform are products with constants.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from kft.backbones.audio import mel_triangles, spectrum


@dataclasses.dataclass(frozen=True)
class MfccSizes:
    """Frames, bands and coefficients; the defaults are those of DeepSpeech 0.9.

    Attributes:
        sample_rate: in hertz.
        window: samples of a frame, a power of two, with a periodic Hann window.
        hop: samples from frame to frame.
        bands: of the mel scale, with equal distances from `lowest` to `highest`.
        lowest: in hertz.
        highest: in hertz.
        coefficients: of the cosine transform.
        floor: smallest sum of a band that a logarithm is taken of.
    """

    sample_rate: int = 16_000
    window: int = 512
    hop: int = 320
    bands: int = 40
    lowest: float = 20.0
    highest: float = 8000.0
    coefficients: int = 26
    floor: float = 1e-12

    @property
    def bins(self) -> np.ndarray:
        """Return the frequencies of the Fourier transform that a band may read, int."""
        hertz = self.sample_rate / self.window
        # The rounding of `MfccMelFilterbank::Initialize` of TensorFlow.
        first = int(1.5 + self.lowest / hertz)
        return np.arange(first, int(self.highest / hertz) + 1)

    def fourier(self) -> np.ndarray:
        """Return cosines, then sines, with the window over them, [window, 2 * bins]."""
        samples = np.arange(self.window)[:, None]
        angles = 2 * np.pi * samples * self.bins / self.window
        return spectrum.windowed_parts(angles)

    def bank(self) -> np.ndarray:
        """Return the weight of each of `bins` in each band, [bins, bands].

        See `mel_triangles.weights`.
        """
        return mel_triangles.weights(
            self.bins * self.sample_rate / self.window,
            bands=self.bands,
            lowest=self.lowest,
            highest=self.highest,
        )

    def cosines(self) -> np.ndarray:
        """Return the cosine transform of type II, [bands, coefficients]."""
        places = np.arange(self.bands)[:, None] + 0.5
        angles = np.pi / self.bands * places * np.arange(self.coefficients)
        found: np.ndarray = np.sqrt(2 / self.bands) * np.cos(angles)
        return found


@keras.saving.register_keras_serializable(package="kft")
class Mfcc(keras.Layer):
    """Coefficients of the frame that begins with each row, [batch, rows, coefficients].

    What a frame reads beyond the last row is silence.
    """

    def __init__(
        self,
        sizes: MfccSizes | dict[str, Any],
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = "float32",
    ) -> None:
        """Make the layer.

        Args:
            sizes: a row has `hop` samples.
            name: of the layer.
            trainable: it has no weights.
            dtype: of the arithmetic.
        """
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.sizes = MfccSizes(**sizes) if isinstance(sizes, dict) else sizes
        self._fourier = self.sizes.fourier()[:, None, :].astype(np.float32)
        self._bank = self.sizes.bank().astype(np.float32)
        self._cosines = self.sizes.cosines().astype(np.float32)

    def call(self, rows: keras.KerasTensor) -> keras.KerasTensor:
        """Return coefficients of rows of samples [batch, rows, hop] in [-1, 1]."""
        hop = self.sizes.hop
        waves = keras.ops.reshape(rows, (-1, keras.ops.shape(rows)[1] * hop, 1))
        behind = self.sizes.window - hop
        padded = keras.ops.pad(waves, ((0, 0), (0, behind), (0, 0)))
        power = spectrum.power(padded, self._fourier, hop=hop)
        bands = keras.ops.matmul(keras.ops.sqrt(power), self._bank)
        logarithms = keras.ops.log(keras.ops.maximum(bands, self.sizes.floor))
        return keras.ops.matmul(logarithms, self._cosines)

    def compute_output_shape(
        self, rows_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, rows, coefficients]."""
        return (*rows_shape[:2], self.sizes.coefficients)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "sizes": dataclasses.asdict(self.sizes)}
