"""The part of reading texts that does not depend on what is said of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data.examples import Examples
from kft.data.sources import record_reader
from kft.data.text import length_buckets, text_payload
from kft.data.text.text_tokenizer import TextTokenizer


class TokenizedInputs:
    """Texts of any length, made into tokens once before training.

    A task adds `spec`, `prepare` and `preprocess`; see `kft.tasks.task.Inputs`.
    """

    def __init__(self, tokenizer: TextTokenizer, *, max_length: int) -> None:
        """Read texts.

        Args:
            tokenizer: what makes tokens of a text.
            max_length: most tokens of a text, begin and end included.
        """
        self._tokenizer = tokenizer
        self._max_length = max_length

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

    def mix(self) -> None:
        """Return None: texts are not mixed."""
        return None

    def _texts(self, examples: Examples) -> list[str]:
        """Return the texts of examples.

        Raises:
            errors.DataError: naming one that is not in UTF-8.
        """
        payloads = examples.read(tf.constant(examples.rows)).numpy()
        return [
            text_payload.decode(payload, name)
            for payload, name in zip(payloads, examples.ids, strict=True)
        ]

    def _with_tokens(
        self,
        examples: Examples,
        texts: Sequence[str],
        tokens: Sequence[np.ndarray],
        words: Sequence[int],
    ) -> Examples:
        """Return the examples with their tokens as payloads.

        Args:
            examples: whose tokens they are.
            texts: of each.
            tokens: int32 [..., tokens] of each.
            words: how many words or signs each has, or another count that is 0 for
                those without any.

        Raises:
            errors.DataError: naming an example without a word.
        """
        for count, name, text in zip(words, examples.ids, texts, strict=True):
            if not count:
                raise errors.DataError(
                    f"Example {name}: expected a text with at least one word or sign, "
                    f"received {errors.excerpt(ascii(text))}. Remove it."
                )
        return dataclasses.replace(
            examples,
            rows=np.arange(len(tokens), dtype=np.int64),
            read=record_reader.from_memory([one.tobytes() for one in tokens]),
            lengths=np.array([one.shape[-1] for one in tokens], np.int64),
        )
