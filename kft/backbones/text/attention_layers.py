"""Layers of transformers that Keras does not have in parts: attention, positions.

None of them but `PositionEmbedding` has weights, so that each matrix of a network is
that of an ordinary `Dense` layer, known by its name. New axes are made by
`expand_dims`: LiteRT does not know them among slices.
"""

import math
from typing import Any

import keras

# Added to the scores of what is no token; its share is then exactly 0.
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
class AttentionShares(keras.Layer):
    """The share of each token in what another one reads (Vaswani et al., 2017).

    softmax(q k^T / sqrt(d)) of each head, in float32 whatever the layers compute in;
    what is no token has a share of exactly 0, and in a decoder what comes later.
    """

    def __init__(
        self,
        heads: int,
        key_heads: int | None = None,
        is_causal: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.key_heads = heads if key_heads is None else key_heads
        self.is_causal = is_causal

    def call(
        self,
        queries: keras.KerasTensor,
        keys: keras.KerasTensor,
        mask_steps: keras.KerasTensor,
    ) -> keras.KerasTensor:
        """Return the shares [batch, heads, steps, steps]; the last axis sums to 1.

        Args:
            queries: [batch, steps, features].
            keys: likewise.
            mask_steps: [batch, steps], 1 for tokens, else 0.
        """
        queries = split_heads(queries, self.heads)
        keys = split_heads(keys, self.key_heads)
        keys = keras.ops.repeat(keys, self.heads // self.key_heads, axis=1)
        scale = 1.0 / math.sqrt(queries.shape[-1])
        scores = keras.ops.matmul(queries * scale, keras.ops.swapaxes(keys, -1, -2))
        is_token = keras.ops.expand_dims(mask_steps, (1, 2))
        is_read = keras.ops.cast(is_token, "float32")
        if self.is_causal:
            places = keras.ops.arange(keras.ops.shape(mask_steps)[1])
            is_past = keras.ops.expand_dims(places, 1) >= places
            is_read = is_read * keras.ops.cast(is_past, "float32")
        scores = keras.ops.cast(scores, "float32") + (1.0 - is_read) * _NO_TOKEN
        return keras.ops.cast(keras.ops.softmax(scores), self.compute_dtype)

    def compute_output_shape(
        self, queries_shape: tuple[int | None, ...], *others: Any
    ) -> tuple[int | None, ...]:
        """Return that of the shares."""
        batch, steps, _ = queries_shape
        return (batch, self.heads, steps, steps)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"key_heads": self.key_heads, "is_causal": self.is_causal}
        return {**super().get_config(), "heads": self.heads, **own}


@keras.saving.register_keras_serializable(package="kft")
class AttentionContext(keras.Layer):
    """What each token reads of the others."""

    def __init__(self, key_heads: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.key_heads = key_heads

    def call(
        self, shares: keras.KerasTensor, values: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the heads side by side, [batch, steps, features].

        Args:
            shares: [batch, heads, steps, steps].
            values: [batch, steps, features], of as many heads or, where several of
                the shares read the same ones, of fewer.
        """
        heads = shares.shape[1]
        key_heads = heads if self.key_heads is None else self.key_heads
        repeats = heads // key_heads
        split = keras.ops.repeat(split_heads(values, key_heads), repeats, axis=1)
        context = keras.ops.transpose(keras.ops.matmul(shares, split), (0, 2, 1, 3))
        steps = keras.ops.shape(values)[1]
        return keras.ops.reshape(context, (-1, steps, values.shape[-1] * repeats))

    def compute_output_shape(
        self,
        shares_shape: tuple[int | None, ...],
        values_shape: tuple[int | None, ...],
    ) -> tuple[int | None, ...]:
        """Return that of the values, with the features of all heads."""
        batch, steps, width = values_shape
        heads = shares_shape[1]
        if width is None or heads is None or self.key_heads is None:
            return values_shape
        return (batch, steps, width * heads // self.key_heads)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "key_heads": self.key_heads}


def split_heads(tensor: keras.KerasTensor, heads: int) -> keras.KerasTensor:
    """Return [batch, heads, steps, features / heads] of [batch, steps, features]."""
    steps, features = keras.ops.shape(tensor)[1], tensor.shape[-1]
    tensor = keras.ops.reshape(tensor, (-1, steps, heads, features // heads))
    return keras.ops.transpose(tensor, (0, 2, 1, 3))


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
