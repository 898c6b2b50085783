"""What a range test suggests, on curves whose answer is known."""

import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.lr_finder import suggestions
from kft.lr_finder.suggestions import Curve, Suggestions

RATES = suggestions.rates(1e-5, 10.0, 100)


def _curve(losses: list[float], planned: int = 100) -> Curve:
    curve = Curve(planned=planned)
    for rate, loss in zip(RATES, losses, strict=False):
        curve = curve.add(rate, loss)
    return curve


def test_the_rates_grow_by_the_same_factor() -> None:
    found = suggestions.rates(1e-4, 1.0, 5)
    assert found == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


@hypothesis.given(st.floats(1e-3, 1e3), st.integers(1, 100))
def test_smoothing_leaves_a_constant_loss_as_it_is(loss: float, steps: int) -> None:
    curve = _curve([loss] * steps)
    assert curve.smoothed == pytest.approx([loss] * steps)


def test_the_smoothed_loss_is_the_weighted_mean_of_all_so_far() -> None:
    curve = _curve([1.0, 2.0, 4.0])
    weights = np.array([0.98**2, 0.98, 1.0])
    expected = (weights * [1.0, 2.0, 4.0]).sum() / weights.sum()
    assert curve.smoothed[-1] == pytest.approx(expected)


@pytest.mark.parametrize(("loss", "over"), [(10.0, True), (1.0, False)])
def test_a_test_is_over_at_four_times_the_lowest_loss(loss: float, over: bool) -> None:
    curve = _curve([1.0] * 10)
    while len(curve.losses) < 40:
        curve = curve.add(1.0, loss)
    assert curve.has_diverged == over


def test_a_loss_that_is_not_a_number_ends_the_test() -> None:
    assert _curve([1.0, math.nan]).has_diverged
    assert _curve([1.0, math.inf]).has_diverged


def test_the_valley_is_the_middle_of_the_longest_descent() -> None:
    flat, falling = [2.0] * 20, np.linspace(2.0, 1.0, 31)[1:].tolist()
    found = suggestions.valley(np.array([*flat, *falling, *flat]))
    # The descent has 31 points and ends at position 49, so it begins at 19; fastai
    # counts from the point before: 18 + 31 / 3 + 31 / 6, rounded down.
    assert found == 18 + 10 + 5


def test_the_longer_of_two_descents_is_the_valley() -> None:
    short, long = np.linspace(9.0, 8.0, 5), np.linspace(10.0, 8.5, 12)
    assert suggestions.valley(np.concatenate([short, long])) > len(short)


@hypothesis.given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_the_valley_is_a_place_of_the_curve(losses: list[float]) -> None:
    assert 0 <= suggestions.valley(losses) < len(losses)


def test_the_steepest_place_is_judged_on_the_logarithm_of_the_rate() -> None:
    losses = np.array([4.0, 3.5, 3.0, 1.0, 0.9])
    assert suggestions.steepest(np.arange(5.0), losses) == 2
    # The same drops, but the third over a hundred times the distance.
    positions = np.array([0.0, 1.0, 2.0, 102.0, 103.0])
    assert suggestions.steepest(positions, losses) == 0


def test_a_clear_descent_has_all_suggestions() -> None:
    losses = [2.0] * 40 + np.linspace(2.0, 0.5, 40).tolist() + [3.0] * 20
    found = suggestions.suggest(_curve(losses))
    assert RATES[40] < found.valley < RATES[85]
    assert found.best == found.minimum
    assert found.minimum == pytest.approx(RATES[79] / 10, rel=0.3)


def test_noise_has_no_suggestion() -> None:
    rng = np.random.default_rng(0)
    curve = _curve((1.0 + rng.normal(0, 0.3, 100)).tolist())
    assert suggestions.suggest(curve) == Suggestions(None, None, None)


@pytest.mark.parametrize("steps", [1, 5, 16, 17])
def test_a_curve_that_ends_at_once_has_no_suggestion(steps: int) -> None:
    curve = _curve([1.0, *[0.5] * (steps - 1)])
    assert suggestions.suggest(curve).best is None


def test_a_rate_is_shown_with_two_digits() -> None:
    assert suggestions.rounded(0.0012916) == 0.0013
