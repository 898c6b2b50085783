"""The way from a sound, and its text where it is known, to what a decoder reads."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.backbones.audio import speech_backbone
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.audio.transcript_tokens import TranscriptTokens
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.data.text import length_buckets
from kft.tasks.speech_recognition.attention_network import (
    ROWS,
    TOKEN_MASK,
    TOKENS,
    WINDOW_ROWS,
)
from kft.tasks.speech_recognition.speech_inputs import SpeechInputs
from kft.tasks.task import Preprocess

# Stands before the tokens of a text that is known, and no sound begins so.
_TEXT = b"\0tokens\0"
_NUMBER_BYTES = 4


class AttentionInputs(SpeechInputs):
    """Sounds in windows of 30 s, each with its text as tokens.

    The decoder learns each token from those before it (teacher forcing). Where nobody
    knows the text there are only the tokens that stand before every one.
    """

    def __init__(
        self,
        config: SpeechRecognitionConfig,
        symbols: LabelMap,
        tokens: TranscriptTokens,
        *,
        most_tokens: int,
    ) -> None:
        """Read sounds and texts.

        Args:
            config: longest sound, and augmentation.
            symbols: that the texts of the data are spelled with.
            tokens: that the network spells them with.
            most_tokens: of a text, with the one that ends it.
        """
        super().__init__(config)
        self._most_tokens = most_tokens
        self._symbols = symbols
        self._tokens = tokens

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of rows of samples, of tokens, and of a 1 for each token."""
        width = speech_backbone.SAMPLES_PER_ROW
        return {
            ROWS: tf.TensorSpec([WINDOW_ROWS, width], tf.float32),
            TOKENS: tf.TensorSpec([None], tf.int32),
            TOKEN_MASK: tf.TensorSpec([None], tf.int32),
        }

    @property
    def boundaries(self) -> Sequence[int]:
        """Return the numbers of tokens that batches are padded to."""
        return length_buckets.up_to(len(self._tokens.begin) + self._most_tokens)

    def cache_key(self) -> dict[str, Any]:
        """Return what decides rows and tokens."""
        return {**super().cache_key(), "tokenizer": self._tokens.tokenizer.digest}

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples with their tokens before the bytes of the sounds.

        Raises:
            errors.DataError: naming sounds that cannot be read, or whose text has more
                tokens than the decoder reads.
        """
        # Every window has one shape, at whatever speed the sound is played.
        del training
        # Raises for a sound that is no such, or too long.
        list(self._lengths(examples))
        labels, begin = examples.labels, len(self._tokens.begin)
        if not isinstance(labels, Ragged):
            # Nobody knows what is said in sounds that are only asked about.
            lengths = np.full([len(examples)], begin, np.int64)
            return dataclasses.replace(examples, lengths=lengths)
        texts = [
            alphabet.text(labels[row], self._symbols) for row in range(len(labels))
        ]
        tokens = [self._tokens.ids(text) for text in texts]
        self._check_lengths(examples, [len(one) - begin for one in tokens])
        counted = [np.array([len(one), *one], np.int32).tobytes() for one in tokens]
        heads = tf.constant([_TEXT + one for one in counted])
        rows, read = tf.constant(examples.rows), examples.read

        def read_both(positions: tf.Tensor) -> tf.Tensor:
            sounds = read(tf.gather(rows, positions))
            return tf.strings.join([tf.gather(heads, positions), sounds])

        return dataclasses.replace(
            examples,
            rows=np.arange(len(examples), dtype=np.int64),
            read=read_both,
            lengths=np.array([len(one) for one in tokens], np.int64),
        )

    def _check_lengths(self, examples: Examples, counts: Sequence[int]) -> None:
        """Check that no text has too many tokens, the one that ends it among them."""
        for name, count in zip(examples.ids, counts, strict=True):
            if count > self._most_tokens:
                raise errors.DataError(
                    f"{name}: expected a text of at most {self._most_tokens - 1} "
                    f"tokens, received one of {count - 1}. Cut sound and text into "
                    "sentences."
                )

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (payload, key) -> what `spec` says.

        A payload that is not prepared is a sound of which nobody knows the text.
        """

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            is_known = tf.strings.substr(payload, 0, len(_TEXT)) == _TEXT
            tokens, sound = tf.cond(
                is_known,
                lambda: _parts(payload),
                lambda: (tf.constant(self._tokens.begin), payload),
            )
            rows = self._rows(sound, key, training=training)
            return {
                ROWS: in_window(rows),
                TOKENS: tokens,
                TOKEN_MASK: tf.ones_like(tokens),
            }

        return read


def _parts(payload: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the tokens of a prepared payload, int32 [tokens], and the sound."""
    place = len(_TEXT)
    number = tf.strings.substr(payload, place, _NUMBER_BYTES)
    size = _NUMBER_BYTES * tf.io.decode_raw(number, tf.int32)[0]
    place += _NUMBER_BYTES
    tokens = tf.io.decode_raw(tf.strings.substr(payload, place, size), tf.int32)
    rest = tf.strings.length(payload) - place - size
    return tokens, tf.strings.substr(payload, place + size, rest)


def in_window(rows: tf.Tensor) -> tf.Tensor:
    """Return rows [n, width] with silence up to 30 s, [1500, width].

    Of a sound of just 30 s the row after it, which is silent, is left out.
    """
    missing = tf.maximum(WINDOW_ROWS - tf.shape(rows)[0], 0)
    filled = tf.pad(rows[:WINDOW_ROWS], [[0, missing], [0, 0]])
    return tf.ensure_shape(filled, [WINDOW_ROWS, rows.shape[-1]])
