"""Tokens of words: which token is the first of which word.

A word of which the tokenizer leaves nothing is the unknown token. Texts are cut between
two words, where the next one does not fit any more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kft.data.text import tokenizer_graph, words, words_graph
from kft.data.text.text_tokenizer import TextTokenizer
from kft.data.text.words_graph import GraphWords


class WordTokens(NamedTuple):
    """The tokens of a text.

    Attributes:
        token_ids: int32 [tokens], begin and end included.
        first_tokens: int32 [tokens], where the first token of word 0, 1, ... is; 0
            where there is no such word, or it was cut.
        words: of the text, those that were cut too.
    """

    token_ids: np.ndarray
    first_tokens: np.ndarray
    words: int


def encode(
    tokenizer: TextTokenizer, texts: Sequence[str], *, max_length: int
) -> list[WordTokens]:
    """Return the tokens of texts.

    Args:
        tokenizer: what makes tokens of a word.
        texts: whose words `kft.data.text.words` finds.
        max_length: most tokens of a text, begin and end included.
    """
    split = [words.of_text(text) for text in texts]
    different = list(dict.fromkeys(word for found in split for word in found))
    unknown = [tokenizer.unknown_id]
    pieces = {
        word: ids or unknown
        for word, ids in zip(different, tokenizer.word_pieces(different), strict=True)
    }
    return [
        _of_pieces(tokenizer, [pieces[word] for word in found], max_length)
        for found in split
    ]


def _of_pieces(
    tokenizer: TextTokenizer, pieces: Sequence[Sequence[int]], max_length: int
) -> WordTokens:
    begin, end = list(tokenizer.begin_ids), list(tokenizer.end_ids)
    ends = len(begin) + np.cumsum([len(ids) for ids in pieces], dtype=np.int64)
    fitting = int(np.searchsorted(ends, max_length - len(end), side="right"))
    ids = [one for word in pieces[:fitting] for one in word]
    token_ids = np.array([*begin, *ids, *end], np.int32)
    first = np.zeros(len(token_ids), np.int32)
    first[:fitting] = np.concatenate([[len(begin)], ends])[:fitting]
    return WordTokens(token_ids, first, len(pieces))


class WordTokensGraph:
    """The same as a function for graphs."""

    def __init__(self, tokenizer: TextTokenizer, *, max_length: int) -> None:
        """Make the tables, which takes a few seconds; arguments as of `encode`."""
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._graph = tokenizer_graph.make(tokenizer)

    def __call__(self, texts: tf.Tensor) -> tuple[dict[str, tf.Tensor], GraphWords]:
        """Return the inputs of a network for texts, and the words that it reads.

        Args:
            texts: tf.string [n], UTF-8.

        Returns:
            token_ids, mask and first_tokens, int32 [n, longest], zeros at the end of
            shorter ones; and the words, without those that were cut.
        """
        found = words_graph.split(texts)
        different, which = tf.unique(found.words.flat_values)
        pieces = self._graph.word_pieces(different)
        is_gone = pieces.row_lengths() == 0
        unknown = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.math.count_nonzero(is_gone)], self._tokenizer.unknown_id),
            tf.cast(is_gone, tf.int64),
        )
        pieces = tf.gather(tf.concat([pieces, unknown], axis=1), which)
        lengths = tf.cast(pieces.row_lengths(), tf.int32)
        ends = found.words.with_flat_values(lengths)
        begin, end = self._tokenizer.begin_ids, self._tokenizer.end_ids
        ends = len(begin) + _cumulated(ends)
        fits = ends <= self._max_length - len(end)
        read = GraphWords(*(tf.ragged.boolean_mask(one, fits) for one in found))
        of_words = found.words.with_flat_values(pieces)
        kept = tf.ragged.boolean_mask(of_words, fits).merge_dims(1, 2)
        ids = tokenizer_graph.frame(self._tokenizer, kept)
        first = tf.ragged.boolean_mask(
            ends - found.words.with_flat_values(lengths), fits
        )
        shape = tf.stack([ids.nrows(), ids.bounding_shape(axis=1)])
        inputs = {
            "token_ids": ids.to_tensor(),
            "mask": tf.ones_like(ids).to_tensor(),
            "first_tokens": first.to_tensor(shape=shape),
        }
        return inputs, read


def _cumulated(values: tf.RaggedTensor) -> tf.RaggedTensor:
    """Return the sums of int32 [n, (k)] up to each place of its row."""
    sums = tf.concat([[0], tf.cumsum(values.flat_values)], axis=0)
    before = tf.gather(sums, tf.cast(values.row_starts(), tf.int32))
    return values.with_flat_values(
        sums[1:] - tf.gather(before, tf.cast(values.value_rowids(), tf.int32))
    )
