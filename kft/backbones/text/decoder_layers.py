"""Layers of decoders: positions that are counted over tokens alone, and rotations."""

from typing import Any

import keras


def positions(mask_steps: keras.KerasTensor) -> keras.KerasTensor:
    """Return the position of each token among the tokens, int32 [batch, steps].

    It is the same wherever what is no token stands, which has any position.
    """
    counts = keras.ops.cumsum(keras.ops.cast(mask_steps, "int32"), axis=1)
    return keras.ops.maximum(counts - 1, 0)


@keras.saving.register_keras_serializable(package="kft")
class TanhGelu(keras.Layer):
    """The approximation of x * Phi(x) by tanh that GPT-2 was trained with."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return what becomes of each value."""
        return keras.ops.gelu(inputs, approximate=True)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape


@keras.saving.register_keras_serializable(package="kft")
class CountedPositions(keras.Layer):
    """The position of each token; see `positions`."""

    def call(self, mask_steps: keras.KerasTensor) -> keras.KerasTensor:
        """Return int32 [batch, steps] of the mask [batch, steps]."""
        return positions(mask_steps)

    def compute_output_spec(self, mask_steps: keras.KerasTensor) -> keras.KerasTensor:
        """Return that of the positions."""
        return keras.KerasTensor(mask_steps.shape, dtype="int32")


@keras.saving.register_keras_serializable(package="kft")
class RotatePositions(keras.Layer):
    """Turn the features of each head by angles of their position (Su et al., 2021).

    The first half of a head's features are the real parts, the second the imaginary
    ones, as Hugging Face stores Llama.
    """

    def __init__(self, heads: int, theta: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.theta = theta

    def call(
        self, inputs: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return inputs [batch, steps, features], turned; in float32 inside.

        Args:
            inputs: of all heads side by side.
            mask_steps: [batch, steps], 1 for tokens, else 0.
        """
        ops, width = keras.ops, inputs.shape[-1]
        half = width // self.heads // 2
        steps = ops.shape(inputs)[1]
        x = ops.reshape(ops.cast(inputs, "float32"), (-1, steps, self.heads, 2, half))
        frequencies = self.theta ** (-ops.arange(half, dtype="float32") / half)
        counted = ops.cast(positions(mask_steps), "float32")
        angles = ops.expand_dims(counted, (2, 3)) * frequencies
        cosines, sines = ops.cos(angles), ops.sin(angles)
        real, imaginary = x[:, :, :, 0], x[:, :, :, 1]
        turned = ops.stack(
            [
                real * cosines - imaginary * sines,
                imaginary * cosines + real * sines,
            ],
            axis=3,
        )
        return ops.cast(ops.reshape(turned, (-1, steps, width)), self.compute_dtype)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"heads": self.heads, "theta": self.theta}
        return {**super().get_config(), **own}
