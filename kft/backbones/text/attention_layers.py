"""Layers around the attention of texts that Keras does not have: positions, pooling.

New axes are made by `expand_dims`: LiteRT does not know them among slices.
"""

from typing import Any

import keras

# Added to the states of what is no token; they are then never the largest.
_NO_TOKEN = -1e9


@keras.saving.register_keras_serializable(package="kft")
class PositionEmbedding(keras.Layer):
    """Add a learned vector for each position.

    The first token has the position `offset`; the rows before it are in the table for
    what fills up batches elsewhere.
    """

    def __init__(self, positions: int, offset: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.positions = positions
        self.offset = offset

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the table [offset + positions, features]."""
        self.embeddings = self.add_weight(
            shape=(self.offset + self.positions, input_shape[-1]),
            initializer="uniform",
            name="embeddings",
        )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return inputs [batch, steps, features] with the vectors added."""
        steps = keras.ops.shape(inputs)[1]
        table = keras.ops.cast(self.embeddings, inputs.dtype)
        return inputs + table[self.offset : self.offset + steps]

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"positions": self.positions, "offset": self.offset}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="kft")
class TakeSteps(keras.Layer):
    """The states at some places, in their order; zeros for the place 0."""

    def call(
        self, states: keras.KerasTensor, places: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return [batch, k, features].

        Args:
            states: [batch, steps, features].
            places: int32 [batch, k], in [0, steps); the first step cannot be taken.
        """
        rows = keras.ops.expand_dims(places, -1)
        taken = keras.ops.take_along_axis(states, rows, axis=1)
        return taken * keras.ops.cast(rows > 0, taken.dtype)

    def compute_output_shape(
        self, states_shape: tuple[int | None, ...], places_shape: Any
    ) -> tuple[int | None, ...]:
        """Return that of the states that are taken."""
        batch, steps = places_shape
        return (batch, steps, states_shape[-1])


@keras.saving.register_keras_serializable(package="kft")
class TokenPooling(keras.Layer):
    """One vector of the states of the tokens; what is no token has no part in it."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(
        self, states: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return their mean, the first, the last, or the largest of each feature.

        Args:
            states: [batch, steps, features].
            mask_steps: [batch, steps], 1 for tokens, of which there is at least one.
        """
        if self.kind == "first":
            return states[:, 0]
        if self.kind == "last":
            return _last(states, mask_steps)
        is_token = keras.ops.expand_dims(keras.ops.cast(mask_steps, "float32"), -1)
        states = keras.ops.cast(states, "float32")
        if self.kind == "max":
            pooled = keras.ops.max(states + (1.0 - is_token) * _NO_TOKEN, axis=1)
        else:
            total = keras.ops.sum(states * is_token, axis=1)
            pooled = total / keras.ops.maximum(keras.ops.sum(is_token, axis=1), 1.0)
        return keras.ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(
        self, states_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return [batch, features]."""
        return (states_shape[0], states_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "kind": self.kind}


def _last(
    states: keras.KerasTensor, mask_steps: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the states of the last tokens, [batch, features].

    Wherever what is no token stands, before the tokens or behind them.
    """
    places = keras.ops.arange(keras.ops.shape(mask_steps)[1])
    last = keras.ops.max(keras.ops.cast(mask_steps, "int32") * places, axis=1)
    rows = keras.ops.expand_dims(keras.ops.expand_dims(last, 1), 2)
    return keras.ops.squeeze(keras.ops.take_along_axis(states, rows, axis=1), 1)
