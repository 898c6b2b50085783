"""The loss of a network that has a teacher besides its labels.

(1 - w) loss of the task + w T^2 KL(teacher || network), both softened by the
temperature T; T^2 keeps the gradients of the second as large as those of the first
(Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015,
arXiv:1503.02531, section 2). Of several classes at a time each is a yes or no, so their
divergences are added up, as their cross entropies are.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kft.config import DistillationConfig
from kft.data.pipeline import TaughtLabels
from kft.metrics import scores
from kft.tasks.task import Task


def losses(
    task: Task, targets: Any, outputs: tf.Tensor, *, config: DistillationConfig
) -> tf.Tensor:
    """Return the training loss of each example, float32 [batch].

    Args:
        task: of the run.
        targets: as `Objective.losses` takes them, or `TaughtLabels` of these.
        outputs: logits of the network, [batch, classes].
        config: how much the teacher says.
    """
    of_labels = task.objective.losses(own(targets), outputs)
    if not isinstance(targets, TaughtLabels):
        return of_labels
    temperature, weight = config.distillation_temperature, config.distillation_weight
    logits = tf.cast(outputs, tf.float32) / temperature
    divergence = _DIVERGENCES[task.serving.activation]
    of_teacher = temperature**2 * divergence(targets.taught, logits)
    return (1.0 - weight) * of_labels + weight * of_teacher


def own(targets: Any) -> Any:
    """Return the labels alone of targets with or without a teacher."""
    return targets.labels if isinstance(targets, TaughtLabels) else targets


def softened(
    logits: np.ndarray, *, activation: str | None, temperature: float
) -> np.ndarray:
    """Return the probabilities of a teacher, float32 [n, classes].

    Args:
        logits: float32 [n, classes].
        activation: what makes probabilities of them, see `Serving.activation`.
        temperature: what they are divided by.
    """
    probabilities = _PROBABILITIES[activation](logits / temperature)
    return probabilities.astype(np.float32)


def _of_softmax(taught: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the divergence from one distribution over the classes, [batch]."""
    differences = tf.math.xlogy(taught, taught) - taught * tf.nn.log_softmax(logits)
    return tf.reduce_sum(differences, axis=-1)


def _of_sigmoid(taught: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the sum of the divergences from yes or no for each class, [batch]."""
    entropies = tf.math.xlogy(taught, taught) + tf.math.xlogy(1 - taught, 1 - taught)
    crossed = tf.nn.sigmoid_cross_entropy_with_logits(taught, logits)
    return tf.reduce_sum(entropies + crossed, axis=-1)


# By the activation that makes probabilities of the outputs of a network.
_DIVERGENCES: Mapping[str | None, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "softmax": _of_softmax,
    "sigmoid": _of_sigmoid,
}
_PROBABILITIES: Mapping[str | None, Callable[[np.ndarray], np.ndarray]] = {
    "softmax": scores.softmax,
    "sigmoid": scores.sigmoid,
}
