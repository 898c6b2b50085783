"""Texts to be learned, however they are spelled, and the rates of errors in them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from kft.data.audio import alphabet
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.tasks.metric import Metric
from kft.tasks.speech_recognition import speech_figures
from kft.tasks.speech_recognition.speech_figures import SpeechFigures

LOSS = Metric("loss", higher_is_better=False)
WER = Metric("wer", higher_is_better=False)
CER = Metric("cer", higher_is_better=False)
SILENT = Metric("silent", higher_is_better=False)
_COUNTS = ("characters", "wrong_characters", "words", "wrong_words", "silent")


class TranscriptObjective(ABC):
    """A text for each sound. See `kft.tasks.task.Objective`.

    The loss is in nats per character, so a long text counts like several short ones.
    What the outputs of a network mean is said by the classes below this one.
    """

    def __init__(self, symbols: LabelMap, monitor: Metric) -> None:
        """Learn texts.

        Args:
            symbols: that the texts of the data are spelled with.
            monitor: the rate of errors by which weights are chosen.
        """
        self._symbols = symbols
        self._monitor = monitor

    @abstractmethod
    def _nats(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss of each sound, in nats, [batch]."""

    @abstractmethod
    def _said(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return what is said, int32 [batch, k], by operations of a graph."""

    @abstractmethod
    def _text(self, said: np.ndarray) -> str:
        """Return the text of a row of `_said`, as texts of the data are written."""

    @abstractmethod
    def evaluate(self, predictions: Predictions) -> SpeechFigures:
        """Return the figures of all texts, and of texts of different length."""

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return that of the symbols of a text."""
        return tf.TensorSpec([None], tf.int32)

    @property
    def monitor(self) -> Metric:
        """Return the rate of errors that chooses weights."""
        return self._monitor

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return loss, rates of errors, and the share of sounds without an answer."""
        return (LOSS, WER, CER, SILENT)

    @property
    def total_names(self) -> Sequence[str]:
        """Return the names of what is summed over sounds."""
        return ("nats", "sounds", *_COUNTS)

    def example_weights(self, labels: np.ndarray | Ragged) -> np.ndarray:
        """Return the number of characters of each text, float64 [n]."""
        if not isinstance(labels, Ragged):
            raise ValueError("expected a text for each sound")
        return labels.lengths.astype(np.float64)

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss of each sound, in nats per character of its text."""
        characters = tf.math.count_nonzero(targets >= 0, axis=1, dtype=tf.float32)
        return self._nats(targets, outputs) / tf.maximum(characters, 1.0)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> dict[str, tf.Tensor]:
        """Return what each sound adds to the sums, [batch] each.

        Loss in nats; 1; characters of its text, and how many edits make it of what is
        said; the same of words; 1 where nothing is said.
        """
        del training
        nats = self._nats(targets, outputs)
        counts = tf.numpy_function(
            self._counts, [targets, self._said(outputs)], tf.float32, stateful=False
        )
        counts = tf.ensure_shape(counts, [len(_COUNTS), outputs.shape[0]])
        named = dict(zip(_COUNTS, tf.unstack(counts), strict=True))
        return {"nats": nats, "sounds": tf.ones_like(nats), **named}

    def figures(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Return the loss in nats per character, and rates; these may be above 1."""
        characters, words = (max(totals[n], 1.0) for n in ("characters", "words"))
        return {
            "loss": totals["nats"] / characters,
            "wer": totals["wrong_words"] / words,
            "cer": totals["wrong_characters"] / characters,
            "silent": totals["silent"] / max(totals["sounds"], 1.0),
        }

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return nothing: answers follow from the weights."""
        del predict
        return {}

    def _true_text(self, label: np.ndarray) -> str:
        """Return the text of some symbols."""
        return alphabet.text(label, self._symbols)

    def _counts(self, targets: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Return the counts of each sound, float32 [counts, batch]."""
        columns = [
            speech_figures.count(self._true_text(true[true >= 0]), self._text(own))
            for true, own in zip(targets, said, strict=True)
        ]
        return np.array(columns, np.float32).reshape(-1, len(_COUNTS)).T
