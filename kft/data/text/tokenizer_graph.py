"""Tokenizers inside a graph: what a served network does with a text."""

from typing import Protocol

import tensorflow as tf

from kft import errors
from kft.data.text import byte_bpe
from kft.data.text.byte_bpe_graph import ByteBpeGraph
from kft.data.text.hub_tokenizer import HubTokenizer
from kft.data.text.text_tokenizer import TextTokenizer
from kft.data.text.wordpiece import WordPiece
from kft.data.text.wordpiece_graph import WordPieceGraph


class PieceGraph(Protocol):
    """What makes tokens of texts in a graph."""

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of texts, tf.string [n], as int32 [n, (tokens)]."""

    def word_pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of words; see `TextTokenizer.word_pieces`."""


def is_known(tokenizer: TextTokenizer) -> bool:
    """Return whether there is a graph that does exactly what a tokenizer does."""
    if isinstance(tokenizer, HubTokenizer):
        return byte_bpe.of(tokenizer) is not None
    return isinstance(tokenizer, WordPiece)


def make(tokenizer: TextTokenizer) -> PieceGraph:
    """Return what does exactly what a tokenizer does.

    Raises:
        errors.ConfigError: for a tokenizer that is neither WordPiece nor byte-level
            BPE.
    """
    if isinstance(tokenizer, WordPiece):
        return WordPieceGraph(tokenizer)
    tables = byte_bpe.of(tokenizer) if isinstance(tokenizer, HubTokenizer) else None
    if tables is None:
        raise errors.ConfigError(
            "The tokenizer of this network is neither WordPiece nor byte-level BPE, so "
            "no SavedModel can have it inside. Export a format that takes token ids: "
            "--formats=litert or onnx."
        )
    return ByteBpeGraph(tables)


def frame(tokenizer: TextTokenizer, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
    """Return token ids int32 [n, (tokens)] with what stands before and behind them."""
    begin, end = (
        tf.tile(tf.constant([ids], tf.int32, [1, len(ids)]), [pieces.nrows(), 1])
        for ids in (tokenizer.begin_ids, tokenizer.end_ids)
    )
    return tf.concat([begin, pieces, end], axis=1)


def inputs(
    tokenizer: TextTokenizer, graph: PieceGraph, texts: tf.Tensor, *, max_length: int
) -> dict[str, tf.Tensor]:
    """Return the inputs of a network for texts.

    Args:
        tokenizer: what decides the tokens.
        graph: what `make` returned for it.
        texts: tf.string [n], UTF-8.
        max_length: most tokens, with those that stand before and behind a text.

    Returns:
        token_ids, int32 [n, longest], zeros at the end of shorter ones, and mask, int32
        of the same shape, ones for tokens.
    """
    most = max_length - len(tokenizer.begin_ids) - len(tokenizer.end_ids)
    ids = frame(tokenizer, graph.pieces(texts)[:, :most])
    return {"token_ids": ids.to_tensor(), "mask": tf.ones_like(ids).to_tensor()}
