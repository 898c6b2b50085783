"""Words of texts inside a graph, as `kft.data.text.words` finds them."""

from typing import NamedTuple

import tensorflow as tf

from kft.data.text import words
from kft.data.text.words import BLANK, JOINER, RUN, SEPARATOR, SIGN


class GraphWords(NamedTuple):
    """The words of n texts.

    Attributes:
        words: tf.RaggedTensor of tf.string [n, (words)].
        begins: of int32 [n, (words)], where they begin in their text, in characters.
        ends: likewise, where they end.
    """

    words: tf.RaggedTensor
    begins: tf.RaggedTensor
    ends: tf.RaggedTensor


def split(texts: tf.Tensor) -> GraphWords:
    """Return the words of texts, tf.string [n], UTF-8; what is not is left out."""
    # A blank before each text, so that its first character has one before it.
    characters = tf.strings.unicode_split(tf.strings.join([" ", texts]), "UTF-8")
    rows = characters.value_rowids()
    begins, ends, is_word = _borders(texts, characters)
    number = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    count = tf.math.count_nonzero(begins)
    flat = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(characters.flat_values, is_word),
        tf.boolean_mask(number, is_word),
        nrows=count,
    )
    positions = tf.range(tf.size(rows, tf.int64)) - tf.gather(
        characters.row_starts(), rows
    )
    positions = tf.cast(positions, tf.int32)
    of_text = tf.boolean_mask(rows, begins)
    nrows = characters.nrows()

    def ragged(values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_value_rowids(values, of_text, nrows=nrows)

    return GraphWords(
        words=ragged(tf.strings.reduce_join(flat, axis=-1)),
        begins=ragged(tf.boolean_mask(positions, begins) - 1),
        ends=ragged(tf.boolean_mask(positions, ends)),
    )


def _borders(
    texts: tf.Tensor, characters: tf.RaggedTensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return which characters begin a word, end one, and belong to one, bool [all]."""
    kinds = _kinds(texts, characters)
    is_base = kinds != JOINER
    bases = tf.gather(
        tf.boolean_mask(kinds, is_base), tf.cumsum(tf.cast(is_base, tf.int32)) - 1
    )
    bases = tf.where(~is_base & (bases == BLANK), RUN, bases)
    before, base_before = tf.roll(kinds, 1, 0), tf.roll(bases, 1, 0)
    begins = (
        (kinds == SIGN)
        | (kinds == RUN) & (base_before != RUN)
        | (kinds == JOINER) & (before == BLANK)
    )
    is_word = kinds != BLANK
    is_border = begins | ~is_word
    ends = is_word & tf.concat([is_border[1:], [True]], axis=0)
    return begins, ends, is_word


def _kinds(texts: tf.Tensor, characters: tf.RaggedTensor) -> tf.Tensor:
    """Return the kind of each character, int32 [all]."""
    codes = tf.strings.unicode_decode(tf.strings.join([" ", texts]), "UTF-8")
    starts, found = words.kind_ranges()
    flat = codes.flat_values
    kinds = tf.gather(found, tf.searchsorted(starts, flat, side="right") - 1)
    is_split = tf.strings.regex_full_match(texts, f"(?s).*{SEPARATOR}.*")
    in_runs = tf.where(flat == ord(SEPARATOR), BLANK, RUN)
    starts_text = tf.range(tf.size(flat, tf.int64))
    rows = characters.value_rowids()
    is_first = starts_text == tf.gather(characters.row_starts(), rows)
    in_runs = tf.where(is_first, BLANK, in_runs)
    return tf.where(tf.gather(is_split, rows), in_runs, kinds)
