"""The way from a text to the tokens that the network reads."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from kft.data.examples import Examples
from kft.data.text import text_tokenizer
from kft.tasks.task import Preprocess
from kft.tasks.text_classification.tokenized_inputs import TokenizedInputs


class TextInputs(TokenizedInputs):
    """Texts of any length, as token ids. See `kft.tasks.task.Inputs`."""

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of the token ids and of ones for each, int32 [tokens]."""
        return {
            "token_ids": tf.TensorSpec([None], tf.int32),
            "mask": tf.TensorSpec([None], tf.int32),
        }

    def prepare(self, examples: Examples) -> Examples:
        """Return the examples with their token ids, int32, as payloads.

        Raises:
            errors.DataError: naming a text that is not in UTF-8, or that is empty.
        """
        tokens = text_tokenizer.encode(
            self._tokenizer, self._texts(examples), max_length=self._max_length
        )
        frame = len(self._tokenizer.begin_ids) + len(self._tokenizer.end_ids)
        read = [ids for ids, _ in tokens]
        found = self._with_tokens(examples, read, [len(ids) - frame for ids in read])
        self._say_what_is_cut([length for _, length in tokens])
        return found

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (token ids, key) -> ids and ones, int32 [tokens]."""
        del training

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            del key
            ids = tf.io.decode_raw(payload, tf.int32)
            return {"token_ids": ids, "mask": tf.ones_like(ids)}

        return read

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
