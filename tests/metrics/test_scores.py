import numpy as np
import pytest

from kft.metrics import scores


def test_softmax_of_large_logits_is_finite_and_sums_to_one() -> None:
    probabilities = scores.softmax(np.array([[1000.0, 999.0, -1000.0]], np.float32))
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    assert probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-12)


def test_equal_scores_are_ranked_as_argmax_does() -> None:
    assert scores.top_classes(np.array([[1.0, 3.0, 3.0, 0.0]]), 3).tolist() == [
        [1, 2, 0]
    ]
    # Sorting that is not stable shows with many.
    many = np.arange(500) % 3
    expected = sorted(range(500), key=lambda i: (-many[i], i))
    assert scores.top_classes(many[None], 500).tolist() == [expected]
