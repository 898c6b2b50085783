"""Attention in parts, each a layer, for transformers of any kind of data.

None has weights, so that each matrix of a network is that of an ordinary `Dense` layer,
known by its name. New axes are made by `expand_dims`: LiteRT does not know them among
slices.
"""

import math
from typing import Any

import keras

# Added to the scores of what is not read; its share is then exactly 0.
_NOT_READ = -1e9


@keras.saving.register_keras_serializable(package="kft")
class AttentionShares(keras.Layer):
    """The share of each step in what another one reads (Vaswani et al., 2017).

    softmax(q k^T / sqrt(d)) of each head, in float32 whatever the layers compute in;
    what is masked has a share of exactly 0, and in a decoder what comes later.
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
        mask_steps: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """Return the shares [batch, heads, steps, steps]; the last axis sums to 1.

        Args:
            queries: [batch, steps, features].
            keys: likewise.
            mask_steps: [batch, steps], 1 for what is read, else 0; None where every
                step is.
        """
        queries = split_heads(queries, self.heads)
        keys = split_heads(keys, self.key_heads)
        keys = keras.ops.repeat(keys, self.heads // self.key_heads, axis=1)
        scale = 1.0 / math.sqrt(queries.shape[-1])
        scores = keras.ops.matmul(queries * scale, keras.ops.swapaxes(keys, -1, -2))
        scores = keras.ops.cast(scores, "float32")
        is_read: Any = 1.0
        if mask_steps is not None:
            is_read = keras.ops.expand_dims(mask_steps, (1, 2))
            is_read = keras.ops.cast(is_read, "float32")
        if self.is_causal:
            places = keras.ops.arange(keras.ops.shape(scores)[-1])
            is_past = keras.ops.expand_dims(places, 1) >= places
            is_read = is_read * keras.ops.cast(is_past, "float32")
        if mask_steps is not None or self.is_causal:
            scores = scores + (1.0 - is_read) * _NOT_READ
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
    """What each step reads of the others."""

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
