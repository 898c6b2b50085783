"""Thresholds of classes: the best F1 that there is, between two probabilities."""

import hypothesis
import numpy as np
import pytest
import sklearn.metrics
from hypothesis import strategies as st

from kft.metrics import thresholds


@st.composite
def _cases(draw):
    count = draw(st.integers(1, 25))
    # Few values, so that many are equal.
    values = st.sampled_from([0.001, 0.2, 0.4, 0.5, 0.51, 0.9, 0.999])
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
        return sklearn.metrics.f1_score(switches, probabilities >= threshold)

    assert found.f1 == pytest.approx(f1(found.threshold))
    assert found.f1_at_half == pytest.approx(f1(0.5))
    assert found.f1 >= max(map(f1, probabilities)) - 1e-12


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
