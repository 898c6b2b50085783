"""Byte-level BPE inside a graph, by TensorFlow's own operations alone."""

import numpy as np
import tensorflow as tf

from kft.data.text import byte_bpe
from kft.data.text.byte_bpe import LETTER, NUMBER, SPACE, ByteBpe

_BLANK, _APOSTROPHE = ord(" "), ord("'")
# What follows the apostrophe of 's, 't, 'm, 'd, 're, 've and 'll.
_SINGLE, _DOUBLE = "stmd", (("r", "e"), ("v", "e"), ("l", "l"))
# No more bytes of a word are read: time grows with the square of their number.
MOST_BYTES = 1024
_NONE, _NO_RANK = -1, np.iinfo(np.int32).max


class ByteBpeGraph:
    """The tokens of texts, as `kft.data.text.hub_tokenizer` makes them."""

    def __init__(self, tables: ByteBpe) -> None:
        """Tokenize by tables."""
        self._tables = tables

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of UTF-8 texts, tf.string [n], int32 [n, (tokens)]."""
        if self._tables.begins_with_blank:
            is_apart = tf.strings.regex_full_match(texts, r"(?s)( .*)?")
            texts = tf.where(is_apart, texts, tf.strings.join([" ", texts]))
        words = _split(texts, splits_digits=self._tables.splits_digits)
        different, which = tf.unique(words.flat_values)
        pieces = tf.gather(self._merged(different), which)
        return words.with_flat_values(pieces).merge_dims(1, 2)

    def word_pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of words with a blank before each."""
        return self.pieces(tf.strings.join([" ", words]))

    def _merged(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Return the token ids of words, int32 [n, (tokens)]."""
        words = tf.strings.substr(words, 0, MOST_BYTES)
        codes = tf.strings.bytes_split(words)
        values = tf.io.decode_raw(codes.flat_values, tf.uint8)[:, 0]
        flat = tf.gather(self._tables.byte_ids, tf.cast(values, tf.int32))
        ids = codes.with_flat_values(flat).to_tensor(default_value=_NONE)
        # A column more, so that there is a pair even of words of one byte.
        ids = tf.pad(ids, [[0, 0], [0, 1]], constant_values=_NONE)
        shape = tf.TensorShape([None, None])
        ranks, merged = self._lookup(ids)

        def is_unfinished(
            ids: tf.Tensor, ranks: tf.Tensor, merged: tf.Tensor
        ) -> tf.Tensor:
            del ids, merged
            return tf.reduce_any(ranks != _NO_RANK)

        def merge(
            ids: tf.Tensor, ranks: tf.Tensor, merged: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            place = tf.argmin(ranks, axis=1, output_type=tf.int32)[:, None]
            has_pair = tf.gather(ranks, place, batch_dims=1) != _NO_RANK
            new = tf.gather(merged, place, batch_dims=1)
            columns = tf.range(tf.shape(ids)[1])
            after = tf.minimum(columns + 1, tf.shape(ids)[1] - 1)
            moved = tf.where(columns > place, tf.gather(ids, after, axis=1), ids)
            moved = tf.where(columns == place, new, moved)
            ids = tf.where(has_pair, moved, ids)
            return (ids, *self._lookup(ids))

        ids, _, _ = tf.while_loop(
            is_unfinished, merge, (ids, ranks, merged), shape_invariants=(shape,) * 3
        )
        return tf.ragged.boolean_mask(ids, ids != _NONE)

    def _lookup(self, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return rank and result of each pair of neighbours, int32 [n, tokens - 1]."""
        tables = self._tables
        left, right = (tf.cast(one, tf.int64) for one in (ids[:, :-1], ids[:, 1:]))
        keys = tf.where((left >= 0) & (right >= 0), left * tables.size + right, _NONE)
        places = tf.searchsorted(tables.pairs, tf.reshape(keys, [-1]))
        places = tf.reshape(tf.minimum(places, len(tables.pairs) - 1), tf.shape(keys))
        is_pair = tf.gather(tables.pairs, places) == keys
        ranks = tf.where(is_pair, tf.gather(tables.ranks, places), _NO_RANK)
        return ranks, tf.gather(tables.merged, places)


def _split(texts: tf.Tensor, *, splits_digits: bool) -> tf.RaggedTensor:
    """Return the words of texts with the blanks before them, tf.string [n, (words)]."""
    # A line break before each text, which is no part of it: so each has a first one.
    framed = tf.strings.join(["\n", texts])
    characters = tf.strings.unicode_split(framed, "UTF-8")
    codes = tf.strings.unicode_decode(framed, "UTF-8").flat_values
    rows = characters.value_rowids()
    size = tf.size(codes, tf.int64)
    is_frame = tf.range(size) == tf.gather(characters.row_starts(), rows)
    ends_text = tf.concat([is_frame[1:], [True]], axis=0)
    begins = _begins(codes, is_frame, ends_text, splits_digits=splits_digits)
    is_text = ~is_frame
    number = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    words = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(characters.flat_values, is_text),
        tf.boolean_mask(number, is_text),
        nrows=tf.math.count_nonzero(begins),
    )
    return tf.RaggedTensor.from_value_rowids(
        tf.strings.reduce_join(words, axis=-1),
        tf.boolean_mask(rows, begins),
        nrows=characters.nrows(),
    )


def _begins(
    codes: tf.Tensor, is_frame: tf.Tensor, ends_text: tf.Tensor, *, splits_digits: bool
) -> tf.Tensor:
    """Return which characters begin a word, bool [all].

    The expression of GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|
     ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+
    """
    starts, found = byte_bpe.kind_ranges()
    kinds = tf.gather(found, tf.searchsorted(starts, codes, side="right") - 1)
    is_space = kinds == SPACE
    before, kind_before = tf.roll(codes, 1, 0), tf.roll(kinds, 1, 0)
    frame_before = tf.roll(is_frame, 1, 0)
    of_suffix, suffix_ended = _suffixes(codes, kinds, is_frame)
    # A blank belongs to what follows it; digits that are split have none.
    takes_blank = ~is_space
    if splits_digits:
        takes_blank &= kinds != NUMBER
    has_blank = takes_blank & (before == _BLANK) & ~frame_before
    changes = frame_before | (kinds != kind_before) | suffix_ended
    if splits_digits:
        changes |= kinds == NUMBER
    of_run = ~is_space & ~of_suffix & ~has_blank & changes
    follows_text = frame_before | (kind_before != SPACE)
    takes_next = tf.concat([takes_blank[1:], [False]], axis=0) & ~ends_text
    is_last = takes_next
    of_space = is_space & (follows_text | is_last)
    is_apostrophe = _is_suffix(codes, kinds, is_frame)
    return ~is_frame & (of_run & ~of_suffix | of_space | is_apostrophe)


def _is_suffix(codes: tf.Tensor, kinds: tf.Tensor, is_frame: tf.Tensor) -> tf.Tensor:
    """Return which apostrophes begin a suffix such as 's, bool [all]."""
    is_single, is_double = _letters(codes, is_frame)
    before, kind_before = tf.roll(codes, 1, 0), tf.roll(kinds, 1, 0)
    frame_before = tf.roll(is_frame, 1, 0)
    other_space = (kind_before == SPACE) & (before != _BLANK)
    begins = frame_before | other_space
    begins |= (kind_before == LETTER) | (kind_before == NUMBER)
    return (codes == _APOSTROPHE) & ~is_frame & begins & (is_single | is_double)


def _letters(codes: tf.Tensor, is_frame: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return behind which characters one letter of a suffix stands, and which two."""
    zeros = tf.zeros([2], codes.dtype)
    # What belongs to the next text is no letter.
    shown = tf.concat([tf.where(is_frame, 0, codes), zeros], axis=0)
    following, second = shown[1:-1], shown[2:]
    single, double = tf.zeros_like(is_frame), tf.zeros_like(is_frame)
    for letter in _SINGLE:
        single |= following == ord(letter)
    for first, last in _DOUBLE:
        double |= (following == ord(first)) & (second == ord(last))
    return single, double


def _suffixes(
    codes: tf.Tensor, kinds: tf.Tensor, is_frame: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return which letters belong to a suffix, and which characters come behind one."""
    begins = _is_suffix(codes, kinds, is_frame)
    is_single, _ = _letters(codes, is_frame)
    singles, doubles = begins & is_single, begins & ~is_single

    def shifted(flags: tf.Tensor, by: int) -> tf.Tensor:
        shape = tf.shape(flags)
        return tf.concat([tf.zeros([by], tf.bool), flags], axis=0)[: shape[0]]

    letters = shifted(singles, 1) | shifted(doubles, 1) | shifted(doubles, 2)
    ended = shifted(singles, 2) | shifted(doubles, 3)
    return letters, ended
