"""The way from a text to the tokens that the network reads, and where words begin."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from kft.data.examples import Examples
from kft.data.text import word_tokens
from kft.data.text.word_tokens import WordTokens
from kft.tasks.task import Preprocess
from kft.tasks.text_classification.tokenized_inputs import TokenizedInputs

_PARTS = 2


class TokenInputs(TokenizedInputs):
    """Texts of any length, as token ids with the first token of each word.

    See `kft.tasks.task.Inputs`.
    """

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of token ids, ones, and first tokens, int32 [tokens] each.

        See `kft.data.text.word_tokens.WordTokens`.
        """
        steps = tf.TensorSpec([None], tf.int32)
        return {"token_ids": steps, "mask": steps, "first_tokens": steps}

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples with token ids and first tokens, int32, as payloads.

        Raises:
            errors.DataError: naming a text that is not in UTF-8, or has no words.
        """
        del training
        texts = self._texts(examples)
        found = word_tokens.encode(self._tokenizer, texts, max_length=self._max_length)
        parts = [np.stack([one.token_ids, one.first_tokens]) for one in found]
        prepared = self._with_tokens(
            examples, texts, parts, [one.words for one in found]
        )
        self._say_what_is_cut(found)
        return prepared

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (payload, key) -> what `spec` says."""
        del training

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            del key
            rows = tf.reshape(tf.io.decode_raw(payload, tf.int32), [_PARTS, -1])
            ids, first = tf.unstack(rows)
            return {"token_ids": ids, "mask": tf.ones_like(ids), "first_tokens": first}

        return read

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
