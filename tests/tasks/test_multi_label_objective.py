"""Loss and figures of any number of classes, against numbers made otherwise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.metrics.predictions import Predictions
from kft.tasks.multi_label_objective import MultiLabelObjective

LABELS = LabelMap(("a", "b", "c"))
TARGETS = tf.constant([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
LOGITS = tf.constant([[2.0, -1.0, -0.5], [0.0, -3.0, -2.0]])


def _objective(**changes: float) -> MultiLabelObjective:
    return MultiLabelObjective(LABELS, thresholds=np.full(3, 0.5), **changes)


def _predictions() -> Predictions:
    return Predictions(np.array(["1", "2"]), TARGETS.numpy(), LOGITS.numpy())


def test_the_loss_is_that_of_all_classes_added_up() -> None:
    mean = keras.losses.binary_crossentropy(TARGETS, LOGITS, from_logits=True)
    np.testing.assert_allclose(_objective().losses(TARGETS, LOGITS), 3 * mean)


def test_its_gradient_is_the_probability_minus_the_truth_as_of_one_class() -> None:
    with tf.GradientTape() as tape:
        tape.watch(LOGITS)
        loss = tf.reduce_sum(_objective().losses(TARGETS, LOGITS))
    gradient = tape.gradient(loss, LOGITS)
    np.testing.assert_allclose(gradient, tf.sigmoid(LOGITS) - TARGETS, atol=1e-6)


def test_smoothing_moves_yes_and_no_alike() -> None:
    smoothed = _objective(label_smoothing=0.2)
    expected = keras.losses.binary_crossentropy(
        TARGETS, LOGITS, from_logits=True, label_smoothing=0.2
    )
    np.testing.assert_allclose(smoothed.losses(TARGETS, LOGITS), 3 * expected)
    for training, loss in ((True, smoothed), (False, _objective())):
        found = smoothed.totals(TARGETS, LOGITS, training=training)["loss"]
        np.testing.assert_allclose(found, loss.losses(TARGETS, LOGITS))


def test_a_mixed_target_costs_and_counts_by_its_shares() -> None:
    objective = _objective()
    other = tf.constant([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    mixed = 0.25 * TARGETS + 0.75 * other
    of_both = [objective.totals(t, LOGITS, training=True) for t in (TARGETS, other)]
    for name, found in objective.totals(mixed, LOGITS, training=True).items():
        expected = 0.25 * of_both[0][name] + 0.75 * of_both[1][name]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_figures_of_sums_are_those_of_all_answers_together() -> None:
    objective = _objective()
    totals = objective.totals(TARGETS, LOGITS, training=False)
    assert set(totals) == set(objective.total_names)
    figures = objective.figures({k: float(v.numpy().sum()) for k, v in totals.items()})
    assert list(figures) == [metric.name for metric in objective.metrics]
    # Said: a and, at 0.5 exactly, a of the second. One of two is right, of two.
    assert (figures["precision"], figures["recall"]) == (0.5, 0.5)
    whole = objective.evaluate(_predictions()).to_json()
    assert figures == pytest.approx({name: whole[name] for name in figures})


def test_thresholds_are_written_that_were_fitted_or_a_half() -> None:
    files = _objective().fitted_files(_predictions)
    lines = files["thresholds.csv"].splitlines()
    assert lines[0] == "label,threshold,examples,f1_at_half,f1"
    assert [line.split(",")[2] for line in lines[1:]] == ["1", "0", "1"]
    assert lines[2] == "b,0.5,0,,"
    without = _objective().fitted_files(lambda: None)["thresholds.csv"]
    assert without.splitlines()[1:] == ["a,0.5,0,,", "b,0.5,0,,", "c,0.5,0,,"]
