"""The front end of recognisers as a layer: rows of samples to logarithms of mel bands.

Frames and Fourier transform are one convolution with constants, because the formats of
exports have no Fourier transform of real numbers in common.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from kft.backbones.audio import spectrum
from kft.backbones.audio.mel_scale import MelScale

# Frames of each row.
FRAMES_PER_ROW = 2


@keras.saving.register_keras_serializable(package="kft")
class FrameLogMel(keras.Layer):
    """Logarithms of the power in mel bands, [batch, 2 * rows, bands], float32.

    Rows are sounds in pieces of two hops. A frame lies around every hop; before the
    first sample the sound is mirrored. Frames of rows that only fill up a batch are 0,
    and so is the last one of each sound, of which a part would be there.

    The Fourier transform and the bands are variables that no optimizer changes:
    published networks bring their own, with the roundings that they were trained with.
    """

    def __init__(
        self,
        scale: MelScale | dict[str, Any],
        *,
        floor: float = 1e-10,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        """Make the layer.

        Args:
            scale: frames and bands; the transform is as long as the window.
            floor: smallest power that a logarithm is taken of.
            name: of the layer.
            dtype: of the arithmetic.
        """
        super().__init__(name=name, trainable=False, dtype=dtype)
        self.scale = MelScale(**scale) if isinstance(scale, dict) else scale
        self.floor = floor

    def build(self, rows_shape: Any, mask_steps_shape: Any) -> None:
        """Make the transform, [window, 1, window + 2], and the weights of the bands."""
        del rows_shape, mask_steps_shape
        self.transform = self._constant("transform", self._windowed_parts())
        self.bands = self._constant("bands", self.scale.matrix())

    def _windowed_parts(self) -> np.ndarray:
        """Return cosines, then sines, of each frequency, with the window over them."""
        window = self.scale.window
        samples = np.arange(window)[:, None]
        angles = 2 * np.pi * samples * np.arange(window // 2 + 1) / window
        return np.asarray(spectrum.windowed_parts(angles)[:, None, :])

    def _constant(self, name: str, values: np.ndarray) -> keras.Variable:
        def initial(shape: Any, dtype: Any = None) -> keras.KerasTensor:
            del shape
            return keras.ops.convert_to_tensor(values, dtype)

        return self.add_weight(
            shape=values.shape, initializer=initial, trainable=False, name=name
        )

    def call(
        self, rows: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return logarithms.

        Args:
            rows: [batch, rows, 2 * hop], samples in [-1, 1].
            mask_steps: int32 [batch, rows], 1 for those of the sound.
        """
        hop, before = self.scale.hop, self.scale.window // 2
        waves = keras.ops.reshape(rows, (-1, keras.ops.shape(rows)[1] * 2 * hop, 1))
        mirrored = keras.ops.flip(waves[:, 1 : before + 1], axis=1)
        behind = keras.ops.zeros_like(waves[:, : before - hop])
        around = keras.ops.concatenate([mirrored, waves, behind], axis=1)
        power = spectrum.power(around, self.transform, hop=hop)
        bands = keras.ops.matmul(power, self.bands)
        logarithms = keras.ops.log(keras.ops.maximum(bands, self.floor))
        return logarithms * keras.ops.cast(_frames(mask_steps), logarithms.dtype)

    def compute_output_shape(
        self, rows_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return [batch, frames, bands]."""
        batch, rows = rows_shape[:2]
        frames = None if rows is None else rows * FRAMES_PER_ROW
        return (batch, frames, self.scale.bands)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            "scale": dataclasses.asdict(self.scale),
            "floor": self.floor,
        }


def _frames(mask: keras.KerasTensor) -> keras.KerasTensor:
    """Return which frames count, [batch, 2 * rows, 1].

    The second frame of a row does where there is a row after it.
    """
    after = keras.ops.pad(mask[:, 1:], ((0, 0), (0, 1)))
    both = keras.ops.stack([mask, after], axis=2)
    frames = FRAMES_PER_ROW * keras.ops.shape(mask)[1]
    return keras.ops.reshape(both, (-1, frames, 1))
