"""The way from a text to the tokens that the network reads."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors
from kft.data.examples import Examples
from kft.data.sources import record_reader
from kft.data.text import length_buckets, text_payload, text_tokenizer
from kft.data.text.text_tokenizer import TextTokenizer
from kft.tasks.task import Preprocess


class TextInputs:
    """Texts of any length, as token ids. See `kft.tasks.task.Inputs`."""

    def __init__(self, tokenizer: TextTokenizer, *, max_length: int) -> None:
        """Read texts.

        Args:
            tokenizer: what makes tokens of a text.
            max_length: most tokens of a text, begin and end included.
        """
        self._tokenizer = tokenizer
        self._max_length = max_length

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of the token ids and of ones for each, int32 [tokens]."""
        return {
            "token_ids": tf.TensorSpec([None], tf.int32),
            "mask": tf.TensorSpec([None], tf.int32),
        }

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
        """Return the examples with their token ids, int32, as payloads.

        Raises:
            errors.DataError: naming a text that is not in UTF-8, or that is empty.
        """
        payloads = examples.read(tf.constant(examples.rows)).numpy()
        texts = [
            text_payload.decode(payload, name)
            for payload, name in zip(payloads, examples.ids, strict=True)
        ]
        tokens = text_tokenizer.encode(
            self._tokenizer, texts, max_length=self._max_length
        )
        frame = len(self._tokenizer.begin_ids) + len(self._tokenizer.end_ids)
        for (ids, _), name in zip(tokens, examples.ids, strict=True):
            if len(ids) == frame:
                raise errors.DataError(
                    f"Example {name}: expected a text with at least one word or sign, "
                    "received none. Remove it."
                )
        self._say_what_is_cut([length for _, length in tokens])
        cut = [ids for ids, _ in tokens]
        return dataclasses.replace(
            examples,
            rows=np.arange(len(cut), dtype=np.int64),
            read=record_reader.from_memory([ids.tobytes() for ids in cut]),
            lengths=np.array([len(ids) for ids in cut], np.int64),
        )

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (token ids, key) -> ids and ones, int32 [tokens]."""
        del training

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            del key
            ids = tf.io.decode_raw(payload, tf.int32)
            return {"token_ids": ids, "mask": tf.ones_like(ids)}

        return read

    def mix(self) -> None:
        """Return None: texts are not mixed."""
        return None

    def _say_what_is_cut(self, uncut: Sequence[int]) -> None:
        lengths = np.array(uncut)
        longer = int((lengths > self._max_length).sum())
        if longer:
            logging.info(
                "--max_length=%d cuts %d of %d texts (%.1f%%); the longest has %d "
                "tokens.",
                *(self._max_length, longer, len(lengths)),
                *(100 * longer / len(lengths), lengths.max()),
            )
