"""WordPiece inside a graph, by TensorFlow's own operations alone.

It gives what `kft.data.text.wordpiece` gives, without the package `tokenizers`, with no
operation that TensorFlow Serving does not have, and for all words of a batch at once.
"""

import numpy as np
import tensorflow as tf

from kft.data.text import character_table
from kft.data.text.constant_table import MISSING, ConstantTable
from kft.data.text.wordpiece import WordPiece

_INSIDE = "##"
_UNIT = "UTF8_CHAR"
_ALL = np.iinfo(np.int32).max
# Stands for the piece of a word that has none.
_STUCK = -2


class WordPieceGraph:
    """A tokenizer as a function for graphs."""

    def __init__(self, tokenizer: WordPiece) -> None:
        """Make the tables, which takes a few seconds.

        Args:
            tokenizer: what decides the tokens.
        """
        self._tokenizer = tokenizer
        self._characters = character_table.make(tokenizer)
        self._vocabulary = ConstantTable(tokenizer.vocabulary)
        longest = max(
            len(token.removeprefix(_INSIDE)) for token in tokenizer.vocabulary
        )
        self._longest_piece = min(longest, tokenizer.max_word_length)

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of texts in UTF-8, tf.string [n], int32 [n, (tokens)].

        What is not in UTF-8 is left out.
        """
        words = tf.strings.split(self._cleaned(texts))
        different, which = tf.unique(words.flat_values)
        pieces = tf.gather(self._pieces(different), which)
        return words.with_flat_values(pieces).merge_dims(1, 2)

    def word_pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of words, which are the same wherever these stand."""
        return self.pieces(words)

    def _cleaned(self, texts: tf.Tensor) -> tf.Tensor:
        """Return texts with blanks between their words, tf.string [n]."""
        table = self._characters
        characters = tf.strings.unicode_split(texts, "UTF-8")
        codes = tf.strings.unicode_decode(texts, "UTF-8").flat_values
        flat = characters.flat_values
        ranges = tf.searchsorted(table.starts, codes, side="right") - 1
        kinds = tf.gather(table.kinds, ranges)
        flat = tf.where(kinds == character_table.GONE, "", flat)
        apart = tf.strings.join([" ", flat, " "])
        flat = tf.where(kinds == character_table.APART, apart, flat)
        if len(table.changed):
            place = tf.searchsorted(table.changed, codes)
            place = tf.minimum(place, len(table.changed) - 1)
            other = tf.gather(table.replacements, place)
            flat = tf.where(kinds == character_table.OTHER, other, flat)
        return tf.strings.reduce_join(characters.with_flat_values(flat), axis=-1)

    def _pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the ids of the pieces of words, int32 [words, (pieces)].

        In each round the longest piece that there is, is taken from what is left of
        every word, until nothing is.
        """
        is_short = tf.strings.length(words, _UNIT) <= self._tokenizer.max_word_length
        left = tf.where(is_short, words, "")
        found = tf.zeros([tf.size(words), 0], tf.int32)

        def is_unfinished(
            prefix: tf.Tensor, left: tf.Tensor, found: tf.Tensor
        ) -> tf.Tensor:
            del prefix, found
            return tf.reduce_any(left != "")

        def take(
            prefix: tf.Tensor, left: tf.Tensor, found: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            ids, taken = self._longest(prefix, left)
            is_stuck = (left != "") & (taken == 0)
            left = tf.strings.substr(left, taken, tf.fill(tf.shape(taken), _ALL), _UNIT)
            ids = tf.where(is_stuck, _STUCK, ids)
            found = tf.concat([found, ids[:, None]], axis=1)
            return tf.constant(_INSIDE), tf.where(is_stuck, "", left), found

        shapes: tuple[list[None], ...] = ([], [None], [None, None])
        _, _, found = tf.while_loop(
            is_unfinished,
            take,
            (tf.constant(""), left, found),
            shape_invariants=tuple(map(tf.TensorShape, shapes)),
        )
        is_unknown = ~is_short | tf.reduce_any(found == _STUCK, axis=1)
        unknown = self._tokenizer.ids[self._tokenizer.unknown]
        found = tf.where(is_unknown[:, None], MISSING, found)
        found = tf.concat([tf.where(is_unknown, unknown, MISSING)[:, None], found], 1)
        return tf.ragged.boolean_mask(found, found >= 0)

    def _longest(
        self, prefix: tf.Tensor, left: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the longest pieces that texts begin with.

        Args:
            prefix: tf.string [], of such pieces in the vocabulary.
            left: tf.string [n].

        Returns:
            Ids, int32 [n], MISSING where there is none; and their characters, int32
            [n], without the prefix.
        """
        lengths = tf.strings.length(left, _UNIT)
        longest = tf.minimum(tf.reduce_max(lengths), self._longest_piece)
        sizes = tf.range(1, longest + 1)
        texts = tf.repeat(left[:, None], longest, axis=1)
        begin, end = (
            tf.zeros_like(texts, tf.int32),
            sizes + tf.zeros_like(lengths[:, None]),
        )
        starts = tf.strings.substr(texts, begin, end, _UNIT)
        ids = self._vocabulary.lookup(tf.strings.join([prefix, starts]))
        is_piece = (ids != MISSING) & (sizes <= lengths[:, None])
        best = tf.reduce_max(tf.where(is_piece, sizes, 0), axis=1)
        chosen = tf.gather(ids, tf.maximum(best - 1, 0), batch_dims=1)
        return tf.where(best > 0, chosen, MISSING), best
