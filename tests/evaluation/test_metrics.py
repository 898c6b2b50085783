import numpy as np
import pytest

from kft.evaluation import metrics

# Three classes, five examples: hits, a miss in each direction.
LOGITS = np.log(
    [
        [0.7, 0.2, 0.1],
        [0.6, 0.3, 0.1],
        [0.1, 0.8, 0.1],
        [0.5, 0.3, 0.2],
        [0.2, 0.2, 0.6],
    ]
)
LABELS = np.array([0, 0, 1, 1, 2], np.int32)
NAMES = ("a", "b", "c")


def test_figures_by_hand() -> None:
    figures = metrics.measure(LOGITS, LABELS, NAMES)
    assert figures.examples == 5
    assert figures.accuracy == pytest.approx(4 / 5)
    expected_loss = -np.mean(np.log([0.7, 0.6, 0.8, 0.3, 0.6]))
    assert figures.loss == pytest.approx(expected_loss)
    a, b, c = figures.classes
    assert (a.examples, a.precision, a.recall) == (2, pytest.approx(2 / 3), 1.0)
    assert (b.precision, b.recall, b.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (c.precision, c.recall, c.f1) == (1.0, 1.0, 1.0)
    assert figures.macro_f1 == pytest.approx((0.8 + 2 / 3 + 1) / 3)


def test_a_class_without_examples_has_no_recall_and_stays_out_of_the_mean() -> None:
    figures = metrics.measure(LOGITS[:4], LABELS[:4], NAMES)
    assert figures.classes[2].recall is None
    assert figures.classes[2].precision is None
    assert figures.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


def test_top_5_needs_more_than_five_classes() -> None:
    assert metrics.measure(LOGITS, LABELS, NAMES).top_5_accuracy is None
    logits = np.arange(7.0)[None].repeat(2, axis=0)
    figures = metrics.measure(logits, np.array([2, 1]), tuple("abcdefg"))
    assert figures.top_5_accuracy == 0.5


def test_softmax_of_large_logits_is_finite_and_sums_to_one() -> None:
    probabilities = metrics.softmax(np.array([[1000.0, 999.0, -1000.0]], np.float32))
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    assert probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-12)


def test_equal_scores_are_ranked_as_argmax_does() -> None:
    assert metrics.top_classes(np.array([[1.0, 3.0, 3.0, 0.0]]), 3).tolist() == [
        [1, 2, 0]
    ]


def test_wilson_interval_of_a_known_example() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263.
    low, high = metrics.wilson_interval(81, 263)
    assert (low, high) == (
        pytest.approx(0.2553, abs=5e-5),
        pytest.approx(0.3662, abs=5e-5),
    )


def test_wilson_interval_does_not_collapse_at_the_ends() -> None:
    assert metrics.wilson_interval(18, 18) == (pytest.approx(0.8241, abs=5e-5), 1.0)
    assert metrics.wilson_interval(0, 18)[0] == 0.0
