import json

import numpy as np
import pytest
import sklearn.metrics

from kft.metrics import classification, scores

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
    figures = classification.measure(LOGITS, LABELS, NAMES)
    assert figures.examples == 5
    assert figures.accuracy == pytest.approx(4 / 5)
    expected_loss = -np.mean(np.log([0.7, 0.6, 0.8, 0.3, 0.6]))
    assert figures.loss == pytest.approx(expected_loss)
    a, b, c = figures.classes
    assert (a.examples, a.precision, a.recall) == (2, pytest.approx(2 / 3), 1.0)
    assert (b.precision, b.recall, b.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (c.precision, c.recall, c.f1) == (1.0, 1.0, 1.0)
    assert figures.macro_f1 == pytest.approx((0.8 + 2 / 3 + 1) / 3)
    assert figures.weighted_f1 == pytest.approx((2 * 0.8 + 2 * 2 / 3 + 1) / 5)
    assert figures.balanced_accuracy == pytest.approx((1 + 0.5 + 1) / 3)
    assert figures.confusion == ((2, 0, 0), (1, 1, 0), (0, 0, 1))
    # Of b's examples one has 0.8, the other 0.3; others have 0.2, 0.3 and 0.2.
    assert b.roc_auc == pytest.approx((3 + 2.5) / 6)
    squares = [
        0.3**2 + 0.2**2 + 0.1**2,
        0.4**2 + 0.3**2 + 0.1**2,
        0.1**2 + 0.2**2 + 0.1**2,
        0.5**2 + 0.7**2 + 0.2**2,
        0.2**2 + 0.2**2 + 0.4**2,
    ]
    assert figures.brier == pytest.approx(np.mean(squares))


def test_figures_equal_those_of_scikit_learn_on_many_examples() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 8, 500).astype(np.int32)
    logits = (rng.normal(0, 1, (500, 8)) + 1.5 * np.eye(8)[labels]).astype(np.float32)
    probabilities = scores.softmax(logits)
    figures = classification.measure(logits, labels, tuple("abcdefgh"))
    learned = sklearn.metrics
    assert figures.loss == pytest.approx(learned.log_loss(labels, probabilities))
    assert figures.roc_auc == pytest.approx(
        learned.roc_auc_score(labels, probabilities, multi_class="ovr")
    )
    assert figures.balanced_accuracy == pytest.approx(
        learned.balanced_accuracy_score(labels, logits.argmax(-1))
    )
    top_5 = learned.top_k_accuracy_score(labels, logits, k=5)
    assert figures.top_5_accuracy == pytest.approx(top_5)
    assert figures.top_5_interval == classification.wilson_interval(
        round(500 * top_5), 500
    )


def test_a_class_without_examples_is_undefined_with_the_reason() -> None:
    figures = classification.measure(LOGITS[:4], LABELS[:4], NAMES)
    c = figures.classes[2]
    assert (c.examples, c.precision, c.recall, c.f1, c.roc_auc) == (0, *[None] * 4)
    assert set(c.undefined.values()) == {
        "the class has no examples",
        "no example is taken for this class",
    }
    assert figures.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert figures.balanced_accuracy == pytest.approx((1 + 0.5) / 2)
    assert figures.roc_auc == pytest.approx(
        np.mean([one.roc_auc for one in figures.classes[:2]])
    )
    assert len(figures.confusion) == len(figures.confusion[0]) == 3


def test_a_class_that_is_called_without_examples_has_a_precision_of_0() -> None:
    figures = classification.measure(LOGITS[4:], np.array([0]), NAMES)
    assert figures.classes[2].precision == 0.0
    assert set(figures.classes[2].undefined) == {"recall", "f1", "roc_auc"}


def test_examples_of_one_class_have_no_roc_auc_and_json_says_why() -> None:
    figures = classification.measure(LOGITS[:2], LABELS[:2], NAMES)
    assert figures.roc_auc is None
    kept = json.loads(json.dumps(figures.to_json(), allow_nan=False))
    assert kept["classes"][0]["undefined"] == {
        "roc_auc": "all examples are of this class"
    }
    assert "roc_auc" in kept["undefined"]


def test_a_sure_mistake_costs_all_that_its_logits_say() -> None:
    # In probabilities it would be cut off where float64 ends.
    figures = classification.measure(
        np.array([[900.0, 0.0]]), np.array([1]), ("a", "b")
    )
    assert figures.loss == pytest.approx(900)
    assert figures.brier == pytest.approx(2)


def test_top_5_needs_more_than_five_classes() -> None:
    few = classification.measure(LOGITS, LABELS, NAMES)
    assert (few.top_5_accuracy, few.top_5_interval) == (None, None)
    assert few.undefined["top_5_accuracy"] == "there are 5 classes or fewer"
    logits = np.arange(7.0)[None].repeat(2, axis=0)
    figures = classification.measure(logits, np.array([2, 1]), tuple("abcdefg"))
    assert figures.top_5_accuracy == 0.5


def test_wilson_interval_of_a_known_example() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263.
    low, high = classification.wilson_interval(81, 263)
    assert (low, high) == (
        pytest.approx(0.2553, abs=5e-5),
        pytest.approx(0.3662, abs=5e-5),
    )


def test_wilson_interval_does_not_collapse_at_the_ends() -> None:
    assert classification.wilson_interval(18, 18) == (
        pytest.approx(0.8241, abs=5e-5),
        1.0,
    )
    assert classification.wilson_interval(0, 18)[0] == 0.0


def test_of_many_classes_json_has_the_confusions_that_there_are():
    rng = np.random.default_rng(0)
    sizes = {}
    for classes in (3, 101, 1000):
        logits = rng.normal(size=(50, classes)).astype(np.float32)
        labels = rng.integers(0, classes, 50)
        found = classification.measure(
            logits, labels, [f"c{i}" for i in range(classes)]
        )
        written = found.to_json()
        if classes == 3:
            assert written["confusion"] == [list(row) for row in found.confusion]
            assert "confusion_cells" not in written
            continue
        assert "confusion" not in written
        dense = np.zeros((classes, classes), int)
        for row, column, count in written["confusion_cells"]:
            dense[row, column] = count
        np.testing.assert_array_equal(dense, found.confusion)
        sizes[classes] = len(json.dumps(written["confusion_cells"], indent=2))
    assert sizes[1000] < 2 * sizes[101]
