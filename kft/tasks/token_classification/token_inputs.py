"""The way from a text to the tokens that the network reads, and where words begin."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors
from kft.data.examples import Examples
from kft.data.sources import record_reader
from kft.data.text import length_buckets, text_payload, word_tokens
from kft.data.text.text_tokenizer import TextTokenizer
from kft.data.text.word_tokens import WordTokens
from kft.tasks.task import Preprocess

_PARTS = 2


class TokenInputs:
    """Texts of any length, as token ids with the first token of each word.

    See `kft.tasks.task.Inputs`.
    """

    def __init__(self, tokenizer: TextTokenizer, *, max_length: int) -> None:
        """Read texts.

        Args:
            tokenizer: what makes tokens of a word.
            max_length: most tokens of a text, begin and end included.
        """
        self._tokenizer = tokenizer
        self._max_length = max_length

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of token ids, ones, and first tokens, int32 [tokens] each.

        See `kft.data.text.word_tokens.WordTokens`.
        """
        steps = tf.TensorSpec([None], tf.int32)
        return {"token_ids": steps, "mask": steps, "first_tokens": steps}

    @property
    def is_augmented(self) -> bool:
        """Return False: a text is the same in every epoch."""
        return False

    @property
    def boundaries(self) -> Sequence[int]:
        """Return the lengths that batches are padded to; the last is the longest."""
        return length_buckets.up_to(self._max_length)

    def cache_key(self) -> dict[str, Any]:
        """Return what decides the tokens."""
        return {"max_length": self._max_length, "tokenizer": self._tokenizer.digest}

    def prepare(self, examples: Examples) -> Examples:
        """Return the examples with token ids and first tokens, int32, as payloads.

        Raises:
            errors.DataError: naming a text that is not in UTF-8, or has no words.
        """
        payloads = examples.read(tf.constant(examples.rows)).numpy()
        texts = [
            text_payload.decode(payload, name)
            for payload, name in zip(payloads, examples.ids, strict=True)
        ]
        found = word_tokens.encode(self._tokenizer, texts, max_length=self._max_length)
        for one, name in zip(found, examples.ids, strict=True):
            if not one.words:
                raise errors.DataError(
                    f"Example {name}: expected a text with at least one word or sign, "
                    "received none. Remove it."
                )
        self._say_what_is_cut(found)
        return dataclasses.replace(
            examples,
            rows=np.arange(len(found), dtype=np.int64),
            read=record_reader.from_memory([_packed(one) for one in found]),
            lengths=np.array([len(one.token_ids) for one in found], np.int64),
        )

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (payload, key) -> what `spec` says."""
        del training

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            del key
            rows = tf.reshape(tf.io.decode_raw(payload, tf.int32), [_PARTS, -1])
            ids, first = tf.unstack(rows)
            return {"token_ids": ids, "mask": tf.ones_like(ids), "first_tokens": first}

        return read

    def mix(self) -> None:
        """Return None: texts are not mixed."""
        return None

    def _say_what_is_cut(self, found: Sequence[WordTokens]) -> None:
        cut = [one.words - np.count_nonzero(one.first_tokens) for one in found]
        words = sum(one.words for one in found)
        if any(cut):
            logging.info(
                "--max_length=%d cuts %d of %d texts, and so %d of %d words (%.1f%%), "
                "which count as outside of entities.",
                *(self._max_length, np.count_nonzero(cut), len(found)),
                *(sum(cut), words, 100 * sum(cut) / words),
            )


def _packed(one: WordTokens) -> bytes:
    return np.stack([one.token_ids, one.first_tokens]).tobytes()
