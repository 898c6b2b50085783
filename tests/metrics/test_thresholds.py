"""Thresholds of classes: the best F1 that there is, between two probabilities."""

import hypothesis
import numpy as np
import pytest
import sklearn.metrics
from hypothesis import strategies as st

from kft.metrics import thresholds

_LEAST, _ABOVE_HALF = np.nextafter(0.0, 1.0), np.nextafter(0.5, 1.0)
_MOST = np.nextafter(1.0, 0.0)
_BELOW_MOST = np.nextafter(_MOST, 0.0)


@st.composite
def _cases(draw):
    count = draw(st.integers(1, 25))
    # Few values, so that many are equal; some have nothing between them, or are none
    # that a threshold may be.
    values = st.sampled_from(
        [0.0, _LEAST, 0.001, 0.2, 0.4, 0.5, _ABOVE_HALF, 0.9, _BELOW_MOST, _MOST, 1.0]
    )
    probabilities = draw(st.lists(values, min_size=count, max_size=count))
    switches = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return np.array(probabilities), np.array(switches)


@hypothesis.given(_cases())
def test_no_threshold_has_a_better_f1(case) -> None:
    probabilities, switches = case
    (found,) = thresholds.fit(probabilities[:, None], switches[:, None])
    assert 0 < found.threshold < 1
    assert found.examples == switches.sum()
    if not found.examples:
        assert found == thresholds.FittedThreshold(0.5, 0, None, None)
        return

    def f1(threshold: float) -> float:
        said = probabilities >= threshold
        return sklearn.metrics.f1_score(switches, said, zero_division=0.0)

    assert found.f1 == pytest.approx(f1(found.threshold))
    assert found.f1_at_half == pytest.approx(f1(0.5))
    assert found.f1 >= max(map(f1, probabilities.clip(_LEAST, _MOST))) - 1e-12


def test_a_threshold_lies_in_the_middle_so_that_rounding_changes_nothing() -> None:
    (found,) = thresholds.fit(np.array([[0.9], [0.6], [0.2]]), np.eye(3)[:, :1])
    assert found.threshold == pytest.approx(0.75)
    (all_of_it,) = thresholds.fit(np.array([[0.9], [0.4]]), np.ones([2, 1]))
    assert all_of_it.threshold == pytest.approx(0.2)


def test_of_equally_good_thresholds_the_one_near_a_half_is_taken() -> None:
    # Saying the first, or the first four: F1 is 2 / 3 of both.
    switches = np.array([[1], [0], [0], [1], [0]])
    (late,) = thresholds.fit(np.array([[0.99], [0.98], [0.97], [0.6], [0.4]]), switches)
    assert (late.threshold, late.f1) == pytest.approx((0.5, 2 / 3))
    (early,) = thresholds.fit(np.array([[0.9], [0.2], [0.1], [0.04], [0.02]]), switches)
    assert (early.threshold, early.f1) == pytest.approx((0.55, 2 / 3))


def test_thresholds_of_rounded_probabilities_lie_between_0_and_1() -> None:
    (saturated,) = thresholds.fit(np.array([[1.0], [_MOST]]), np.array([[1], [0]]))
    # Nothing lies between the two, so both are said.
    assert (saturated.threshold, saturated.f1) == (_MOST / 2, pytest.approx(2 / 3))
    (least,) = thresholds.fit(np.array([[_LEAST], [0.0]]), np.array([[1], [0]]))
    assert (least.threshold, least.f1) == (_LEAST, 1.0)


def test_where_all_probabilities_are_0_the_threshold_is_a_half() -> None:
    (found,) = thresholds.fit(np.zeros([3, 1]), np.array([[1], [0], [1]]))
    assert found == thresholds.FittedThreshold(0.5, 2, 0.0, 0.0)
