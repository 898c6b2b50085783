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


def test_a_sigmoid_of_any_logit_is_a_probability() -> None:
    logits = np.array([-1000.0, -2.0, 0.0, 2.0, 1000.0], np.float32)
    found = scores.sigmoid(logits)
    np.testing.assert_allclose(found + scores.sigmoid(-logits), 1, atol=1e-12)
    assert found[1] == pytest.approx(1 / (1 + np.exp(2)), abs=1e-12)
    assert (found[0], found[2], found[4]) == (0, 0.5, 1)


def test_the_cross_entropy_of_a_switch_is_finite_and_linear_in_its_share() -> None:
    logits = np.array([-1000.0, -2.0, 3.0])
    yes, no = (
        scores.binary_cross_entropy(logits, np.full(3, share)) for share in (1.0, 0.0)
    )
    np.testing.assert_allclose(yes[1:], -np.log(scores.sigmoid(logits[1:])))
    np.testing.assert_allclose(no[1:], -np.log(1 - scores.sigmoid(logits[1:])))
    assert (yes[0], no[0]) == (1000.0, 0.0)
    mixed = scores.binary_cross_entropy(logits, np.full(3, 0.25))
    np.testing.assert_allclose(mixed, 0.25 * yes + 0.75 * no)


def test_what_is_no_answer_does_not_count_as_the_same_class() -> None:
    own = np.array([[0.2, 0.8], [0.9, 0.1], [0.0, 0.0]])
    found = np.array([[0.3, 0.7], [0.4, 0.6], [1.0, 0.0]])
    assert scores.same_class(own, found) == 0.5
    assert scores.same_class(own, own) == 1.0
