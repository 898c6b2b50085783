"""The decoder of Whisper (Radford et al., arXiv 2212.04356): tokens after a sound.

Each layer can be run on all tokens of a text at once, or on one after the other with
what it has seen so far kept.
"""

import dataclasses
from typing import Any, NamedTuple

import keras

from kft.backbones import gelu
from kft.backbones.audio.token_attention import TokenAttention
from kft.backbones.audio.whisper_config import DecoderSizes

START, NORM = "decoder_start", "decoder_norm"
_EPSILON = 1e-5
_KeysValues = tuple[keras.KerasTensor, keras.KerasTensor]


@keras.saving.register_keras_serializable(package="kft")
class DecoderStart(keras.Layer):
    """Tokens as vectors with their positions, beside the sound that all blocks read.

    Both leave this layer, so that what lies below the first block is all below it.
    """

    def __init__(
        self, vocabulary: int, positions: int, width: int, **kwargs: Any
    ) -> None:
        """Make the layer; see `DecoderSizes`."""
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.positions = positions
        self.width = width

    def build(self, tokens_shape: Any, heard_shape: Any) -> None:
        """Make a vector for each token, and for each position."""
        del tokens_shape, heard_shape
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.vocabulary, self.width),
            initializer="uniform",
        )
        self.position_embeddings = self.add_weight(
            name="position_embeddings",
            shape=(self.positions, self.width),
            initializer="uniform",
        )

    def call(
        self, tokens: keras.KerasTensor, heard: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return [batch, tokens, width], and the sound as it came.

        Args:
            tokens: int32 [batch, tokens].
            heard: output of the encoder, [batch, steps, width].
        """
        places = keras.ops.arange(keras.ops.shape(tokens)[1])
        return self.vectors(tokens, places), heard

    def vectors(
        self, tokens: keras.KerasTensor, places: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return vectors [batch, tokens, width] of tokens at places, int32 [tokens]."""
        positions = keras.ops.take(self.position_embeddings, places, axis=0)
        found = keras.ops.take(self.embeddings, tokens, axis=0) + positions
        return keras.ops.cast(found, self.compute_dtype)

    def compute_output_shape(self, tokens_shape: Any, heard_shape: Any) -> Any:
        """Return both shapes."""
        return (*tokens_shape, self.width), heard_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary": self.vocabulary,
            "positions": self.positions,
            "width": self.width,
        }


class Seen(NamedTuple):
    """What a block keeps while it reads one token after the other.

    Attributes:
        keys: of the tokens so far, [batch, places, heads, width / heads]; zeros at the
            places after them.
        values: likewise.
        heard_keys: of the sound, [batch, steps, heads, width / heads].
        heard_values: likewise.
    """

    keys: keras.KerasTensor
    values: keras.KerasTensor
    heard_keys: keras.KerasTensor
    heard_values: keras.KerasTensor


@keras.saving.register_keras_serializable(package="kft")
class DecoderBlock(keras.Layer):
    """Attention to the tokens before, to the sound, and two dense layers."""

    def __init__(self, heads: int, width: int, **kwargs: Any) -> None:
        """Make the layer; see `DecoderSizes`."""
        super().__init__(**kwargs)
        self.heads = heads
        self.width = width
        dtype = self.dtype_policy
        self.self_norm, self.cross_norm, self.dense_norm = (
            keras.layers.LayerNormalization(
                epsilon=_EPSILON, name=f"{name}_norm", dtype=dtype
            )
            for name in ("self", "cross", "dense")
        )
        self.self_attention = TokenAttention(heads, width, name="self", dtype=dtype)
        self.cross_attention = TokenAttention(heads, width, name="cross", dtype=dtype)
        self.expand = keras.layers.Dense(4 * width, name="expand", dtype=dtype)
        self.activation = gelu.ExactGelu(name="gelu", dtype=dtype)
        self.project = keras.layers.Dense(width, name="project", dtype=dtype)

    def build(self, tokens_shape: Any, heard_shape: Any) -> None:
        """Make all parts."""
        del tokens_shape, heard_shape
        shape = (None, None, self.width)
        for norm in (self.self_norm, self.cross_norm, self.dense_norm):
            norm.build(shape)
        for attention in (self.self_attention, self.cross_attention):
            attention.build(shape, None, None)
        self.expand.build(shape)
        self.project.build((None, None, 4 * self.width))

    def call(
        self, tokens: keras.KerasTensor, heard: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return [batch, tokens, width] of all tokens of texts and of their sounds."""
        places = keras.ops.arange(keras.ops.shape(tokens)[1])
        is_seen = places[None, :] <= places[:, None]
        y = self.self_norm(tokens)
        kept = self.self_attention.keys_values(y)
        tokens = tokens + self.self_attention(y, *kept, is_seen)
        return self._upper(tokens, self.cross_attention.keys_values(heard))

    def begin(self, heard: keras.KerasTensor, places: int) -> Seen:
        """Return what is kept before the first of so many tokens."""
        heard = keras.ops.cast(heard, self.compute_dtype)
        shape = (keras.ops.shape(heard)[0], places, self.heads)
        empty = keras.ops.zeros((*shape, self.width // self.heads), self.compute_dtype)
        return Seen(empty, empty, *self.cross_attention.keys_values(heard))

    def step(
        self, token: keras.KerasTensor, seen: Seen, place: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, Seen]:
        """Return what `call` gives for the token at a place, and what is kept then.

        Args:
            token: [batch, 1, width].
            seen: of the tokens before it.
            place: int32 [], from 0 on.
        """
        places = keras.ops.arange(seen.keys.shape[1])
        is_here = keras.ops.reshape(places == place, (1, -1, 1, 1))
        y = self.self_norm(token)
        key, value = self.self_attention.keys_values(y)
        seen = seen._replace(
            keys=keras.ops.where(is_here, key, seen.keys),
            values=keras.ops.where(is_here, value, seen.values),
        )
        is_seen = (places <= place)[None]
        token = token + self.self_attention(y, seen.keys, seen.values, is_seen)
        return self._upper(token, (seen.heard_keys, seen.heard_values)), seen

    def _upper(
        self, tokens: keras.KerasTensor, heard: _KeysValues
    ) -> keras.KerasTensor:
        tokens = tokens + self.cross_attention(self.cross_norm(tokens), *heard)
        inner = self.activation(self.expand(self.dense_norm(tokens)))
        return tokens + self.project(inner)

    def compute_output_shape(self, tokens_shape: Any, heard_shape: Any) -> Any:
        """Return the shape of the tokens."""
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "heads": self.heads, "width": self.width}


@dataclasses.dataclass(frozen=True, eq=False)
class DecoderLayers:
    """The layers of a decoder, to run on whole texts or on one token after the other.

    A value of its own, and no list in a layer: Keras takes the layers that a layer has
    in its attributes for parts of it, and these are parts of the graph.

    Attributes:
        start: makes vectors of tokens.
        blocks: in their order.
        norm: of what the last of them gives.
    """

    start: DecoderStart
    blocks: tuple[DecoderBlock, ...]
    norm: keras.layers.LayerNormalization

    @classmethod
    def of_sizes(cls, sizes: DecoderSizes) -> "DecoderLayers":
        """Return new layers."""
        return cls(
            DecoderStart(sizes.vocabulary, sizes.positions, sizes.width, name=START),
            tuple(
                DecoderBlock(sizes.heads, sizes.width, name=name)
                for name in sizes.blocks.names
            ),
            keras.layers.LayerNormalization(epsilon=_EPSILON, name=NORM),
        )

    def build(
        self, tokens: keras.KerasTensor, heard: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the normed output of all blocks [batch, tokens, width], and the sound.

        Args:
            tokens: int32 [batch, tokens].
            heard: output of the encoder, [batch, steps, width].
        """
        x, heard = self.start(tokens, heard)
        for block in self.blocks:
            x = block(x, heard)
        return self.norm(x), heard


def cut_anchors(sizes: DecoderSizes) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    names = sizes.blocks.names
    return dict(zip(names, [START, *names[:-1]], strict=True))
