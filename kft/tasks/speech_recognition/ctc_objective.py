"""What is said, without saying when: CTC, and rates of errors in words and characters.

Graves et al., Connectionist Temporal Classification, 2006.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from kft.data.label_arrays import NO_LABEL
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.tasks.speech_recognition import ctc_decoding, speech_figures
from kft.tasks.speech_recognition.speech_figures import SpeechFigures, TextCounts
from kft.tasks.speech_recognition.text_decoder import TextDecoder
from kft.tasks.task import Metric

LOSS = Metric("loss", higher_is_better=False)
CER = Metric("cer", higher_is_better=False)
# Sounds that are computed together.
_ROWS = 256
_COUNTS = ("characters", "wrong_characters", "words", "wrong_words", "silent")


class CtcObjective:
    """A text for each sound. See `kft.tasks.task.Objective`.

    The loss is in nats per character, so a long text counts like several short ones.
    Outputs are zeros at steps that only fill up a batch: so many steps count as are
    others.
    """

    def __init__(self, symbols: LabelMap, decoder: TextDecoder | None = None) -> None:
        """Learn texts.

        Args:
            symbols: that they are spelled with.
            decoder: by which `evaluate` reads the outputs. What is shown while a run
                trains, and chooses its weights, is greedy; so is the default.
        """
        self._symbols = symbols
        self._decoder = decoder or TextDecoder()

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return that of the symbols of a text."""
        return tf.TensorSpec([None], tf.int32)

    @property
    def monitor(self) -> Metric:
        """Return the rate of errors in characters.

        Words are too coarse to choose by: as long as a network is bad, all are wrong.
        """
        return CER

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return loss, rates of errors, and the share of sounds without an answer."""
        return (
            LOSS,
            Metric("wer", higher_is_better=False),
            CER,
            Metric("silent", higher_is_better=False),
        )

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
        """Return what CTC makes of each sound, in nats per character of its text."""
        characters = tf.math.count_nonzero(targets >= 0, axis=1, dtype=tf.float32)
        return _nats(targets, outputs) / tf.maximum(characters, 1.0)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> dict[str, tf.Tensor]:
        """Return what each sound adds to the sums, [batch] each.

        Loss in nats; 1; characters of its text, and how many edits make it of what is
        said; the same of words; 1 where nothing is said.
        """
        del training
        nats = _nats(targets, outputs)
        said = ctc_decoding.greedy_in_graph(outputs).to_tensor(-1)
        counts = tf.numpy_function(
            self._counts, [targets, said], tf.float32, stateful=False
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

    def evaluate(self, predictions: Predictions) -> SpeechFigures:
        """Return the figures of all texts, and of texts of different length."""
        labels, logits = predictions.labels, predictions.logits
        if not isinstance(labels, Ragged) or not isinstance(logits, Ragged):
            raise ValueError("expected a text for each sound")
        nats = 0.0
        for begin in range(0, len(labels), _ROWS):
            rows = np.arange(begin, min(begin + _ROWS, len(labels)))
            targets = labels.padded(rows, labels.lengths[rows].max(), NO_LABEL)
            outputs = logits.padded(rows, logits.lengths[rows].max())
            losses = _nats(tf.constant(targets), tf.constant(outputs))
            nats += float(losses.numpy().sum(dtype=np.float64))
        counts = self._counted(labels, logits, self._decoder.of_logits)
        greedy = None
        if not self._decoder.is_greedy:
            greedy = self._counted(labels, logits, ctc_decoding.greedy)
        return speech_figures.measure(counts, nats=nats, greedy=greedy)

    def _counted(
        self, labels: Ragged, logits: Ragged, read: Callable[[np.ndarray], np.ndarray]
    ) -> list[TextCounts]:
        """Return the counts of each sound, whose outputs a decoder reads."""
        return [
            speech_figures.count(labels[row], read(logits[row]), self._symbols)
            for row in range(len(labels))
        ]

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return nothing: answers follow from the weights."""
        del predict
        return {}

    def _counts(self, targets: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Return the counts of each sound, float32 [counts, batch]."""
        columns = [
            speech_figures.count(true[true >= 0], own[own >= 0], self._symbols)
            for true, own in zip(targets, said, strict=True)
        ]
        return np.array(columns, np.float32).reshape(-1, len(_COUNTS)).T


def _nats(targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return the loss of each sound, in nats, [batch]."""
    places = tf.where(targets >= 0)
    shape = tf.shape(targets, tf.int64)
    texts = tf.SparseTensor(places, tf.gather_nd(targets, places), shape)
    steps = tf.math.count_nonzero(
        tf.reduce_any(outputs != 0, axis=-1), axis=1, dtype=tf.int32
    )
    # tf.nn.ctc_loss takes cuDNN's kernel on a GPU, whose gradient is infinite at steps
    # that only fill up (TensorFlow 2.21, cuDNN 9.19). This one is the CPU's everywhere.
    losses: tf.Tensor = tf.compat.v1.nn.ctc_loss(
        texts, outputs, steps, time_major=False
    )
    return losses
