import keras
import numpy as np
import pytest
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation import example_losses
from kft.metrics.predictions import Predictions
from kft.tasks.class_objective import ClassObjective


class StepObjective:
    """The mean cross entropy of the steps of each sequence."""

    target_spec = tf.TensorSpec([None], tf.int32)

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        real = tf.cast(targets >= 0, tf.float32)
        loss = keras.losses.sparse_categorical_crossentropy(
            tf.maximum(targets, 0), outputs, from_logits=True
        )
        return tf.reduce_sum(loss * real, axis=1) / tf.reduce_sum(real, axis=1)


def test_the_loss_of_an_example_is_that_of_its_own_class() -> None:
    logits = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], np.float32))
    predictions = Predictions(np.array(list("abc")), np.array([0, 0, 1]), logits)
    objective = ClassObjective(LabelMap(("x", "y")))
    losses = example_losses.example_losses(objective, predictions)
    assert losses == pytest.approx(-np.log([0.9, 0.2, 0.5]), abs=1e-6)
    assert example_losses.worst(objective, predictions, 2).tolist() == [1, 2]


def test_what_fills_up_a_shorter_sequence_does_not_count() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, 300)
    labels = [rng.integers(0, 3, n).astype(np.int32) for n in lengths]
    logits = [rng.normal(0, 2, (n, 3)).astype(np.float32) for n in lengths]
    predictions = Predictions(
        np.arange(300).astype(str), Ragged.from_rows(labels), Ragged.from_rows(logits)
    )
    losses = example_losses.example_losses(StepObjective(), predictions)
    by_hand = [
        np.mean(np.log(np.exp(row).sum(-1)) - row[np.arange(len(own)), own])
        for own, row in zip(labels, logits, strict=True)
    ]
    assert losses == pytest.approx(np.array(by_hand), abs=1e-5)
