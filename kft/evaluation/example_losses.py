"""The loss of each example, to find those that a network is worst at."""

import numpy as np
import tensorflow as tf

from kft.data.label_arrays import NO_LABEL
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.tasks.task import Objective

# Rows that are computed together.
_ROWS = 256


def example_losses(objective: Objective, predictions: Predictions) -> np.ndarray:
    """Return the training loss of each example, float32 [n]."""
    losses = []
    for start in range(0, len(predictions), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(predictions)))
        targets = tf.cast(
            _stacked(predictions.labels, rows, NO_LABEL), objective.target_spec.dtype
        )
        outputs = tf.constant(_stacked(predictions.logits, rows, 0))
        losses.append(objective.losses(targets, outputs).numpy())
    return np.concatenate([np.zeros([0], np.float32), *losses])


def worst(objective: Objective, predictions: Predictions, count: int) -> np.ndarray:
    """Return the positions of up to `count` examples, those with most loss first."""
    losses = example_losses(objective, predictions)
    return np.argsort(-losses, kind="stable")[:count]


def _stacked(values: np.ndarray | Ragged, rows: np.ndarray, fill: int) -> np.ndarray:
    """Return rows as one array; shorter ones are filled up at their end."""
    if isinstance(values, Ragged):
        return values.padded(rows, int(values.lengths[rows].max()), fill)
    return np.asarray(values[rows])
