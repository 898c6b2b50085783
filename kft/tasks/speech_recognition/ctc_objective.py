"""What is said, without saying when: CTC.

Graves et al., Connectionist Temporal Classification, 2006.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kft.data.audio import alphabet
from kft.data.label_arrays import NO_LABEL
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.tasks.speech_recognition import ctc_decoding, speech_figures
from kft.tasks.speech_recognition.speech_figures import SpeechFigures, TextCounts
from kft.tasks.speech_recognition.text_decoder import TextDecoder
from kft.tasks.speech_recognition.transcript_objective import CER, TranscriptObjective

# Sounds that are computed together.
_ROWS = 256


class CtcObjective(TranscriptObjective):
    """A text for each sound, spelled by a symbol at each step.

    Outputs are zeros at steps that only fill up a batch: so many steps count as are
    others. The rate of errors in characters chooses the weights. Words are too coarse
    to choose by: as long as a network is bad, all are wrong.
    """

    def __init__(self, symbols: LabelMap, decoder: TextDecoder | None = None) -> None:
        """Learn texts.

        Args:
            symbols: that they are spelled with.
            decoder: by which `evaluate` reads the outputs. What is shown while a run
                trains, and chooses its weights, is greedy; so is the default.
        """
        super().__init__(symbols, CER)
        self._decoder = decoder or TextDecoder()

    def _nats(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return what CTC makes of each sound, in nats, [batch]."""
        places = tf.where(targets >= 0)
        shape = tf.shape(targets, tf.int64)
        texts = tf.SparseTensor(places, tf.gather_nd(targets, places), shape)
        steps = tf.math.count_nonzero(
            tf.reduce_any(outputs != 0, axis=-1), axis=1, dtype=tf.int32
        )
        # tf.nn.ctc_loss takes cuDNN's kernel on a GPU, whose gradient is infinite at
        # steps that only fill up (TensorFlow 2.21, cuDNN 9.19). This one is the CPU's
        # everywhere.
        losses: tf.Tensor = tf.compat.v1.nn.ctc_loss(
            texts, outputs, steps, time_major=False
        )
        return losses

    def _said(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the symbols that are said, filled up with -1."""
        return ctc_decoding.greedy_in_graph(outputs).to_tensor(-1)

    def _text(self, said: np.ndarray) -> str:
        return alphabet.text(said[said >= 0], self._symbols)

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
            losses = self._nats(tf.constant(targets), tf.constant(outputs))
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
            speech_figures.count(
                self._true_text(labels[row]), self._text(read(logits[row]))
            )
            for row in range(len(labels))
        ]
