"""Any number of classes per example: binary cross entropies, and F1 of all labels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics import f1_score, multi_label, scores, thresholds
from kft.metrics.multi_label import MultiLabelFigures
from kft.metrics.predictions import Predictions
from kft.tasks import kept_thresholds
from kft.tasks.metric import Metric

LOSS = Metric("loss", higher_is_better=False)
MICRO_F1 = Metric("micro_f1")


class MultiLabelObjective:
    """Multi-label classification. See `kft.tasks.task.Objective`.

    The loss of an example is the sum of the binary cross entropies of all classes. So
    it is the negative logarithm of the probability of exactly its classes, as the cross
    entropy of one class is; and the gradient at a logit is the probability minus the
    truth in both, so that learning rates mean the same. Of their mean it would be
    smaller the more classes there are.
    """

    def __init__(
        self,
        labels: LabelMap,
        *,
        thresholds: np.ndarray,
        label_smoothing: float = 0.0,
    ) -> None:
        """Learn classes.

        Args:
            labels: the classes, in index order.
            thresholds: float64 [classes], the least probability with which a class is
                said, for figures of all answers.
            label_smoothing: share of a target that is given to yes and no alike.
        """
        self._labels = labels
        self._thresholds = thresholds
        self._label_smoothing = label_smoothing

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return that of a switch for each class."""
        return tf.TensorSpec([len(self._labels)], tf.float32)

    @property
    def monitor(self) -> Metric:
        """Return F1 of all labels of all examples, each said from 0.5 on."""
        return MICRO_F1

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return loss, and what is said of all labels together."""
        return (LOSS, Metric("precision"), Metric("recall"), MICRO_F1)

    @property
    def total_names(self) -> Sequence[str]:
        """Return the names of cross entropy, counts of labels, and examples."""
        return ("loss", "found", "said", "true", "count")

    def example_weights(self, labels: np.ndarray | Ragged) -> None:
        """Return None: all examples count alike."""

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the sum of the cross entropies of each example, [batch]."""
        return _cross_entropy(targets, outputs, self._label_smoothing)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> dict[str, tf.Tensor]:
        """Return the cross entropy, counts of labels, and 1, of each example, [batch].

        The labels that are found, that are said, and that there are. Of a mixed input
        a label counts as much as the share that has it.
        """
        smoothing = self._label_smoothing if training else 0.0
        loss = _cross_entropy(targets, outputs, smoothing)
        # Said from a probability of 0.5 on.
        said = tf.cast(outputs >= 0, tf.float32)
        return {
            "loss": loss,
            "found": tf.reduce_sum(targets * said, axis=-1),
            "said": tf.reduce_sum(said, axis=-1),
            "true": tf.reduce_sum(targets, axis=-1),
            "count": tf.ones_like(loss),
        }

    def figures(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Return mean cross entropy in nats, and the rest in [0, 1]."""
        precision, recall, f1 = f1_score.precision_recall_f1(
            totals["found"], said=totals["said"], true=totals["true"]
        )
        return {
            "loss": totals["loss"] / max(totals["count"], 1.0),
            "precision": precision,
            "recall": recall,
            "micro_f1": f1,
        }

    def evaluate(self, predictions: Predictions) -> MultiLabelFigures:
        """Return the figures of all labels, and of each class."""
        logits, switches = _arrays(predictions)
        return multi_label.measure(
            logits, switches, self._labels.names, thresholds=self._thresholds
        )

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return the thresholds with the best F1 of each class on validation."""
        predictions = predict()
        logits, switches = np.zeros([2, 0, len(self._labels)])
        if predictions is not None:
            logits, switches = _arrays(predictions)
        fitted = thresholds.fit(scores.sigmoid(logits), switches)
        return {kept_thresholds.FILE: kept_thresholds.text(self._labels, fitted)}


def _arrays(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and switches, [n, classes] each."""
    logits, labels = predictions.logits, predictions.labels
    if isinstance(logits, Ragged) or isinstance(labels, Ragged) or labels.ndim != 2:
        raise ValueError("expected predictions of several classes for each example")
    return logits, labels


def _cross_entropy(
    targets: tf.Tensor, outputs: tf.Tensor, label_smoothing: float
) -> tf.Tensor:
    smoothed = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
    losses = tf.nn.sigmoid_cross_entropy_with_logits(smoothed, outputs)
    return tf.reduce_sum(losses, axis=-1)
