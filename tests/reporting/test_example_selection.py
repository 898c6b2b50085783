import numpy as np

from kft.metrics.predictions import ClassPredictions
from kft.reporting import example_selection

# Rows: right and sure, wrong by little, wrong by much, right but unsure, wrong by much.
PROBABILITIES = np.array(
    [
        [0.98, 0.01, 0.01],
        [0.45, 0.55, 0.00],
        [0.05, 0.90, 0.05],
        [0.30, 0.36, 0.34],
        [0.01, 0.01, 0.98],
    ]
)
LABELS = np.array([0, 0, 0, 1, 1], np.int32)


def _predictions() -> ClassPredictions:
    logits = np.log(np.maximum(PROBABILITIES, 1e-9)).astype(np.float32)
    return ClassPredictions(np.array(list("abcde")), LABELS, logits)


def test_the_worst_mistake_gave_the_right_class_least() -> None:
    assert example_selection.worst_mistakes(_predictions(), 24).tolist() == [4, 2, 1]
    assert example_selection.worst_mistakes(_predictions(), 2).tolist() == [4, 2]


def test_the_least_certain_may_be_right() -> None:
    assert example_selection.least_certain(_predictions(), 2).tolist() == [3, 1]


def test_pairs_are_counted_and_the_surest_mistake_comes_first() -> None:
    first, second = example_selection.confused_pairs(
        _predictions(), pairs=9, examples=9
    )
    assert (first.label, first.answer, first.examples, first.of) == (0, 1, 2, 3)
    assert first.positions == (2, 1)
    assert (second.label, second.answer, second.examples, second.of) == (1, 2, 1, 2)


def test_no_more_pairs_and_examples_than_asked_for() -> None:
    (pair,) = example_selection.confused_pairs(_predictions(), pairs=1, examples=1)
    assert (pair.examples, pair.positions) == (2, (2,))


def test_without_mistakes_there_is_nothing_to_show() -> None:
    perfect = ClassPredictions(
        np.array(["a", "b"]), np.array([0, 1], np.int32), np.eye(2, dtype=np.float32)
    )
    assert example_selection.worst_mistakes(perfect, 24).tolist() == []
    assert example_selection.confused_pairs(perfect, pairs=9, examples=9) == ()
