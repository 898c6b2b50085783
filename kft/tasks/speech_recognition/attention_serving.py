"""What leaves a run of a network that writes tokens: signatures, and answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.config import SpeechRecognitionConfig
from kft.data.audio.transcript_tokens import TranscriptTokens
from kft.data.audio.utterances import Utterances
from kft.tasks.speech_recognition import attention_inputs
from kft.tasks.speech_recognition.attention_network import (
    ROWS,
    TOKEN_MASK,
    TOKENS,
    WINDOW_ROWS,
)
from kft.tasks.speech_recognition.speech_serving import Inputs, SpeechServing
from kft.tasks.task import Endpoint, ServedNetwork

_NOTES = {
    ROWS: "Samples of one channel in [-1, 1], 16,000 per second, in rows of 20 ms, "
    "and silence after them up to 30 s.",
    TOKENS: "Those of the text, and after them the one that ends it again and again.",
}


class AttentionServing(SpeechServing):
    """Tokens of what is said, and the text that they spell."""

    def __init__(
        self,
        config: SpeechRecognitionConfig,
        utterances: Utterances,
        tokens: TranscriptTokens,
        *,
        most_tokens: int,
    ) -> None:
        """Serve sounds.

        Args:
            config: what the model card says.
            utterances: how sounds are read.
            tokens: that the network writes.
            most_tokens: that it writes of a sound.
        """
        super().__init__(config, utterances)
        self._most_tokens = most_tokens
        self._tokens = tokens

    @property
    def scores(self) -> str:
        """Return the name of the tokens: what an export has to say alike."""
        return TOKENS

    def network_scores(
        self,
        outputs: np.ndarray,
        inputs: Mapping[str, np.ndarray],
        *,
        temperature: float,
    ) -> np.ndarray:
        """Return the tokens that are said, float64 [n, tokens]; whatever temperature.

        They are never all zero: the token that ends a text is not.
        """
        del inputs, temperature
        return outputs[:, 1:].astype(np.float64)

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return `text`, what is said."""
        del top_k, payload
        return {"text": self._tokens.text(outputs[TOKENS].astype(np.int64))}

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of sounds of which the same is said."""
        return float((own == found).all(axis=-1).mean())

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for WAV files and for rows of samples.

        `serving_default` takes `wav_bytes`, tf.string [n]: WAV files up to `--seconds`
        long, of any rate of `utterances_in_graph.rates` and number of channels. It
        returns text, tf.string [n]; tokens, float32 [n, tokens]; and valid, bool [n].
        `rows` takes float32 [n, 1500, 320] and returns the tokens.
        """
        del temperature
        width = self._utterances.samples_per_row

        def answer_rows(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            begin = tf.constant([self._tokens.begin], tf.int32)
            begin = tf.repeat(begin, tf.shape(rows)[0], axis=0)
            inputs = {ROWS: rows, TOKENS: begin, TOKEN_MASK: tf.ones_like(begin)}
            return {TOKENS: model(inputs, training=False)[:, 1:]}

        def inputs_of(rows: tf.Tensor) -> Inputs:
            return {ROWS: attention_inputs.in_window(rows)}

        def answer(inputs: Inputs, valid: tf.Tensor) -> dict[str, tf.Tensor]:
            found = answer_rows(inputs[ROWS])[TOKENS]
            texts = tf.where(valid, self._texts(found), "")
            return {"text": texts, TOKENS: tf.where(valid[:, None], found, 0.0)}

        blank = {ROWS: tf.zeros([WINDOW_ROWS, width])}
        return {
            "serving_default": self._of_files(inputs_of, blank, answer),
            ROWS: Endpoint(
                answer_rows,
                signature={ROWS: tf.TensorSpec([None, WINDOW_ROWS, width], tf.float32)},
                request={ROWS: np.zeros([1, WINDOW_ROWS, width], np.float32)},
                notes=_NOTES,
                needs_tensorflow=True,
            ),
        }

    def _texts(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return what is said, tf.string [n]."""
        spellings = tf.constant(self._tokens.spellings)
        spelled = tf.gather(spellings, tf.cast(tokens, tf.int32))
        return tf.strings.strip(tf.strings.reduce_join(spelled, axis=-1))

    def metadata(self) -> dict[str, Any]:
        """Return also how texts are written."""
        return {
            **super().metadata(),
            "kind": "attention",
            "most_tokens": self._most_tokens,
            "tokens": self._tokens.to_json(),
        }

    def _preprocessing(self) -> str:
        return (
            "Silence fills every sound up to 30 seconds; tokens are written one after "
            "the other, the likeliest each time."
        )

    def _limits(self) -> Sequence[str]:
        return (
            "It knows words, and may write some that nobody said, above all of noise "
            "and of silence.",
        )
