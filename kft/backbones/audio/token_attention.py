"""Attention whose keys and values can be kept from one token to the next."""

import math
from typing import Any

import keras

# Added to the score of what must not be seen: its share is 0 in every type.
_HIDDEN = -1e9


@keras.saving.register_keras_serializable(package="kft")
class TokenAttention(keras.Layer):
    """Attention of tokens to steps, which are other tokens or those of a sound.

    Keys have no bias, as in Whisper: it would change no share.
    """

    def __init__(self, heads: int, width: int, **kwargs: Any) -> None:
        """Make the layer; `width` is a multiple of `heads`."""
        super().__init__(**kwargs)
        self.heads = heads
        self.width = width
        dtype = self.dtype_policy
        self.query = keras.layers.Dense(width, name="query", dtype=dtype)
        self.key = keras.layers.Dense(width, use_bias=False, name="key", dtype=dtype)
        self.value = keras.layers.Dense(width, name="value", dtype=dtype)
        self.output_dense = keras.layers.Dense(width, name="output", dtype=dtype)

    def build(self, tokens_shape: Any, keys_shape: Any, values_shape: Any) -> None:
        """Make queries, keys, values and output."""
        del tokens_shape, keys_shape, values_shape
        for dense in (self.query, self.key, self.value, self.output_dense):
            dense.build((None, None, self.width))

    def keys_values(
        self, steps: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return what tokens see of steps [batch, steps, width].

        Both are [batch, steps, heads, width / heads].
        """
        return self._in_heads(self.key(steps)), self._in_heads(self.value(steps))

    def call(
        self,
        tokens: keras.KerasTensor,
        keys: keras.KerasTensor,
        values: keras.KerasTensor,
        is_seen: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """Return what each token reads, [batch, tokens, width].

        Args:
            tokens: [batch, tokens, width].
            keys: of the steps, see `keys_values`.
            values: likewise.
            is_seen: bool [tokens, steps]; None where each token sees all steps.
        """
        queries = self._in_heads(self.query(tokens))
        scores = keras.ops.einsum("bthd,bshd->bhts", queries, keys)
        scores = keras.ops.cast(scores, "float32")
        scores = scores / math.sqrt(self.width // self.heads)
        if is_seen is not None:
            scores = keras.ops.where(is_seen, scores, _HIDDEN)
        shares = keras.ops.cast(keras.ops.softmax(scores), values.dtype)
        found = keras.ops.einsum("bhts,bshd->bthd", shares, values)
        shape = keras.ops.shape(tokens)
        return self.output_dense(keras.ops.reshape(found, (*shape[:2], self.width)))

    def _in_heads(self, steps: keras.KerasTensor) -> keras.KerasTensor:
        shape = keras.ops.shape(steps)
        size = self.width // self.heads
        return keras.ops.reshape(steps, (*shape[:2], self.heads, size))

    def compute_output_shape(
        self, tokens_shape: Any, keys_shape: Any, values_shape: Any
    ) -> Any:
        """Return the shape of the tokens."""
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "heads": self.heads, "width": self.width}
