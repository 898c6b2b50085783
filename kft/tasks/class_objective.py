"""One class per example: cross entropy, and hits over examples."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics import classification
from kft.metrics.classification import ClassificationFigures
from kft.metrics.predictions import Predictions
from kft.tasks.metric import Metric

LOSS = Metric("loss", higher_is_better=False)
ACCURACY = Metric("accuracy")


class ClassObjective:
    """Single-label classification. See `kft.tasks.task.Objective`."""

    def __init__(self, labels: LabelMap, *, label_smoothing: float = 0.0) -> None:
        """Learn classes.

        Args:
            labels: the classes, in index order.
            label_smoothing: share of a target that is given to all classes alike.
        """
        self._labels = labels
        self._label_smoothing = label_smoothing

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return that of a class id."""
        return tf.TensorSpec([], tf.int32)

    @property
    def monitor(self) -> Metric:
        """Return the accuracy."""
        return ACCURACY

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return loss and accuracy."""
        return (LOSS, ACCURACY)

    @property
    def total_names(self) -> Sequence[str]:
        """Return the names of cross entropy, hits and examples."""
        return ("loss", "accuracy", "count")

    def example_weights(self, labels: np.ndarray | Ragged) -> None:
        """Return None: all examples count alike."""

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the cross entropy of each example with smoothed labels, [batch]."""
        return self._cross_entropy(targets, outputs, self._label_smoothing)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> dict[str, tf.Tensor]:
        """Return the cross entropy, the hit or miss, and 1, of each example, [batch].

        Of a mixed input the share that has the predicted class counts as hit (Zhang et
        al., mixup, 2018: train.py of the authors).
        """
        smoothing = self._label_smoothing if training else 0.0
        loss = self._cross_entropy(targets, outputs, smoothing)
        predicted = tf.argmax(outputs, axis=-1, output_type=tf.int32)
        hits = tf.gather(self._shares(targets), predicted, batch_dims=1)
        return {"loss": loss, "accuracy": hits, "count": tf.ones_like(loss)}

    def figures(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Return mean cross entropy in nats, and accuracy in [0, 1]."""
        count = max(totals["count"], 1.0)
        return {name: totals[name] / count for name in ("loss", "accuracy")}

    def evaluate(self, predictions: Predictions) -> ClassificationFigures:
        """Return the figures of all classes, with confusions and calibration."""
        found = predictions.of_classes
        if found is None:
            raise ValueError("expected predictions of one class for each example")
        return classification.measure(found.logits, found.labels, self._labels.names)

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return nothing: answers follow from the weights."""
        del predict
        return {}

    def _cross_entropy(
        self, targets: tf.Tensor, outputs: tf.Tensor, label_smoothing: float
    ) -> tf.Tensor:
        return keras.losses.categorical_crossentropy(
            self._shares(targets),
            outputs,
            from_logits=True,
            label_smoothing=label_smoothing,
        )

    def _shares(self, targets: tf.Tensor) -> tf.Tensor:
        """Return the shares of the classes, float32 [batch, classes]."""
        if targets.dtype.is_floating:
            return targets
        return tf.one_hot(targets, len(self._labels))
