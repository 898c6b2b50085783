"""What is said, token after token, by a decoder that attends to the sound."""

import numpy as np
import tensorflow as tf

from kft.data.audio import alphabet
from kft.data.audio.alphabet import Rule
from kft.data.audio.transcript_tokens import TranscriptTokens
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.tasks.speech_recognition import speech_figures
from kft.tasks.speech_recognition.speech_figures import SpeechFigures
from kft.tasks.speech_recognition.transcript_objective import WER, TranscriptObjective


class AttentionObjective(TranscriptObjective):
    """A text for each sound, out of the rows of `token_writer.TokenWriter`.

    The loss is that of the text's tokens, each after the true ones before it. What is
    said is written freely, but in training, where it is the likeliest token at each
    place after the true ones: the rates of errors that are shown of training are lower
    than those of writing. The network writes words, and so their errors choose.
    """

    def __init__(
        self, symbols: LabelMap, tokens: TranscriptTokens, normalize: Rule
    ) -> None:
        """Learn texts.

        Args:
            symbols: that the texts of the data are spelled with.
            tokens: that the network spells them with.
            normalize: the rule by which the texts of the data were normalized, and by
                which what is said is before it is compared.
        """
        super().__init__(symbols, WER)
        self._tokens = tokens
        self._normalize = normalize

    def _nats(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        del targets
        return outputs[:, 0]

    def _said(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the tokens that are said, filled up with the last of a text."""
        return tf.cast(outputs[:, 1:], tf.int32)

    def _text(self, said: np.ndarray) -> str:
        return alphabet.normalized(self._tokens.text(said), self._normalize)

    def said(self, output: np.ndarray) -> str:
        """Return the text that the output for a sound says, normalized."""
        return self._text(output[1:].astype(np.int64))

    def evaluate(self, predictions: Predictions) -> SpeechFigures:
        """Return the figures of all texts, and of texts of different length."""
        labels, rows = predictions.labels, predictions.logits
        if not isinstance(labels, Ragged) or not isinstance(rows, np.ndarray):
            raise ValueError("expected a text for each sound")
        counts = [
            speech_figures.count(self._true_text(labels[row]), self.said(rows[row]))
            for row in range(len(labels))
        ]
        nats = float(rows[:, 0].sum(dtype=np.float64))
        return speech_figures.measure(counts, nats=nats)
