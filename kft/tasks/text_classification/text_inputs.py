"""The way from a text, or a pair of texts, to the tokens that the network reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from kft.data.examples import Examples
from kft.data.text import text_pairs, text_tokenizer
from kft.tasks.task import Preprocess
from kft.tasks.text_classification.text_form import TextForm
from kft.tasks.text_classification.tokenized_inputs import TokenizedInputs


class TextInputs(TokenizedInputs):
    """Texts of any length, as token ids. See `kft.tasks.task.Inputs`."""

    def __init__(self, form: TextForm) -> None:
        """Read texts, or pairs of them, in a form."""
        super().__init__(form.tokenizer, max_length=form.max_length)
        self._form = form

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of the inputs; see `TextForm.tensors`."""
        return self._form.spec

    def cache_key(self) -> dict[str, Any]:
        """Return what decides the tokens."""
        key = super().cache_key()
        return {**key, "pairs": True} if self._form.pairs else key

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples with their token ids, int32, as payloads.

        Below the ids of a pair stand the types of its tokens.

        Raises:
            errors.DataError: naming a text that is not in UTF-8, or that is empty.
        """
        del training
        texts = self._texts(examples)
        if self._form.pairs:
            return self._prepare_pairs(examples, texts)
        tokens = text_tokenizer.encode(
            self._tokenizer, texts, max_length=self._max_length
        )
        frame = text_tokenizer.frame_length(self._tokenizer, pairs=False)
        read = [ids for ids, _ in tokens]
        words = [len(ids) - frame for ids in read]
        found = self._with_tokens(examples, texts, read, words)
        self._say_what_is_cut([length for _, length in tokens])
        return found

    def _prepare_pairs(self, examples: Examples, texts: Sequence[str]) -> Examples:
        named = zip(texts, examples.ids, strict=True)
        pairs = [text_pairs.split(text, name) for text, name in named]
        tokens = text_tokenizer.encode_pairs(
            self._tokenizer, pairs, max_length=self._max_length
        )
        frame = text_tokenizer.frame_length(self._tokenizer, pairs=True)
        found = self._with_tokens(
            examples,
            texts,
            [np.stack([one.ids, one.types]) for one in tokens],
            [one.uncut - frame for one in tokens],
        )
        self._say_what_is_cut([one.uncut for one in tokens])
        return found

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (prepared payload, key) -> what `spec` says."""
        del training
        rows = 2 if self._form.pairs else 1

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            del key
            parts = tf.reshape(tf.io.decode_raw(payload, tf.int32), [rows, -1])
            found = {"token_ids": parts[0], "mask": tf.ones_like(parts[0])}
            if self._form.has_types:
                found["token_types"] = parts[1]
            return found

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
