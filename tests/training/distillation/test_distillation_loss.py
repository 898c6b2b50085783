from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft.config import DistillationConfig
from kft.data.labels import LabelMap
from kft.data.pipeline import TaughtLabels
from kft.tasks.class_objective import ClassObjective
from kft.tasks.multi_label_objective import MultiLabelObjective
from kft.training.distillation import distillation_loss

LABELS = LabelMap(("a", "b", "c"))
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3)).astype(np.float32)
TEACHER = RNG.normal(scale=3, size=(4, 3)).astype(np.float32)
CLASSES = np.array([0, 2, 1, 1], np.int32)
SWITCHES = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.float32)


def _task(activation: str) -> SimpleNamespace:
    if activation == "softmax":
        objective = ClassObjective(LABELS)
    else:
        objective = MultiLabelObjective(LABELS, thresholds=np.full(3, 0.5))
    serving = SimpleNamespace(activation=activation)
    return SimpleNamespace(objective=objective, serving=serving)


def _labels(activation: str) -> np.ndarray:
    return CLASSES if activation == "softmax" else SWITCHES


def _losses(activation: str, logits: np.ndarray, **options: float) -> np.ndarray:
    config = DistillationConfig(teacher="somewhere", **options)
    taught = distillation_loss.softened(
        TEACHER,
        activation=activation,
        temperature=config.distillation_temperature,
    )
    targets = TaughtLabels(tf.constant(_labels(activation)), tf.constant(taught))
    return distillation_loss.losses(
        _task(activation), targets, tf.constant(logits), config=config
    ).numpy()


def _of_labels(activation: str, logits: np.ndarray) -> np.ndarray:
    targets = tf.constant(_labels(activation))
    return _task(activation).objective.losses(targets, tf.constant(logits)).numpy()


def test_of_one_class_it_is_the_divergence_of_the_softened_distributions():
    metric = keras.losses.KLDivergence(reduction=None)
    p, q = (tf.nn.softmax(x / 4.0) for x in (TEACHER, LOGITS))
    expected = 0.3 * _of_labels("softmax", LOGITS) + 0.7 * 16 * metric(p, q).numpy()
    found = _losses(
        "softmax", LOGITS, distillation_temperature=4.0, distillation_weight=0.7
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_of_several_classes_it_is_the_sum_of_their_divergences():
    p, q = (tf.nn.sigmoid(x / 2.0).numpy() for x in (TEACHER, LOGITS))
    both = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    expected = 0.5 * _of_labels("sigmoid", LOGITS) + 0.5 * 4 * both.sum(axis=-1)
    np.testing.assert_allclose(_losses("sigmoid", LOGITS), expected, rtol=1e-4)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_who_answers_as_the_teacher_does_has_no_loss_but_that_of_the_labels(activation):
    alone = _of_labels(activation, TEACHER)
    found = _losses(activation, TEACHER, distillation_weight=1.0)
    np.testing.assert_allclose(found, 0, atol=1e-5)
    found = _losses(activation, TEACHER, distillation_weight=0.25)
    np.testing.assert_allclose(found, 0.75 * alone, atol=1e-5)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_weight_of_zero_is_the_loss_of_the_labels_bit_by_bit(activation):
    found = _losses(activation, LOGITS, distillation_weight=0.0)
    np.testing.assert_array_equal(found, _of_labels(activation, LOGITS))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_teacher_who_is_sure_gives_finite_losses_and_gradients(activation):
    taught = tf.constant([[1.0, 0.0, 0.0]])
    logits = tf.Variable([[-300.0, 300.0, 0.0]])
    labels = tf.constant(_labels(activation)[:1])
    with tf.GradientTape() as tape:
        loss = distillation_loss.losses(
            _task(activation),
            TaughtLabels(labels, taught),
            logits,
            config=DistillationConfig(teacher="somewhere"),
        )
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tape.gradient(loss, logits).numpy()).all()


def test_targets_without_a_teacher_have_the_loss_of_the_task():
    found = distillation_loss.losses(
        _task("softmax"),
        tf.constant(CLASSES),
        tf.constant(LOGITS),
        config=DistillationConfig(),
    )
    np.testing.assert_array_equal(found.numpy(), _of_labels("softmax", LOGITS))
