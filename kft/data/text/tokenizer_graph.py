"""Tokenizers inside a graph: what a served network does with a text."""

from typing import Protocol

import tensorflow as tf

from kft import errors
from kft.data.text import byte_bpe, text_tokenizer
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
    count = pieces.nrows()
    begin, end = _tiled(tokenizer.begin_ids, count), _tiled(tokenizer.end_ids, count)
    return tf.concat([begin, pieces, end], axis=1)


def pair_inputs(
    tokenizer: TextTokenizer,
    graph: PieceGraph,
    texts: tuple[tf.Tensor, tf.Tensor],
    *,
    max_length: int,
) -> dict[str, tf.Tensor]:
    """Return the inputs of a network for pairs of texts; the longer one is cut first.

    Args:
        tokenizer: what decides the tokens.
        graph: what `make` returned for it.
        texts: tf.string [n] each, UTF-8.
        max_length: most tokens, with those before, between and behind the texts.

    Returns:
        token_ids, token_types and mask, see `inputs`; types are 0 up to the begin of
        the second text, and 1 from there on.
    """
    most = max_length - text_tokenizer.frame_length(tokenizer, pairs=True)
    first, second = (graph.pieces(one) for one in texts)
    counts = [tf.cast(one.row_lengths(), tf.int32) for one in (first, second)]
    shorter = tf.minimum(tf.minimum(*counts), most // 2)
    is_cut, is_first = counts[0] + counts[1] > most, counts[0] <= counts[1]
    kept = tf.where(is_first, shorter, most - shorter)
    head = _begin(first, tf.where(is_cut, kept, counts[0]))
    tail = _begin(second, tf.where(is_cut, most - kept, counts[1]))
    n = first.nrows()
    head = tf.concat(
        [_tiled(tokenizer.begin_ids, n), head, _tiled(tokenizer.between_ids, n)], axis=1
    )
    tail = tf.concat([tail, _tiled(tokenizer.end_ids, n)], axis=1)
    ids = tf.concat([head, tail], axis=1)
    types = tf.concat([tf.zeros_like(head), tf.ones_like(tail)], axis=1)
    return {
        "token_ids": ids.to_tensor(),
        "token_types": types.to_tensor(),
        "mask": tf.ones_like(ids).to_tensor(),
    }


def _begin(pieces: tf.RaggedTensor, counts: tf.Tensor) -> tf.RaggedTensor:
    """Return the first `counts` [n] of the pieces of each row."""
    places = tf.ragged.range(pieces.row_lengths())
    most = tf.gather(tf.cast(counts, tf.int64), pieces.value_rowids())
    is_kept = pieces.with_flat_values(places.flat_values < most)
    return tf.ragged.boolean_mask(pieces, is_kept)


def _tiled(ids: tuple[int, ...], count: tf.Tensor) -> tf.Tensor:
    """Return the same ids in each of some rows, int32 [count, ids]."""
    return tf.tile(tf.constant([ids], tf.int32, [1, len(ids)]), [count, 1])


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
