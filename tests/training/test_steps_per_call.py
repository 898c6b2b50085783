"""Host calls grow to the time that they should take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kft.training.steps_per_call import StepsPerCall


def test_a_number_stays():
    pace = StepsPerCall(7, seconds=0.25)
    assert (pace.steps, pace.fitting(7, 100.0), pace.fitting(7, 0.0)) == (7, 7, 7)


def test_auto_begins_with_one_and_grows_at_most_fourfold():
    pace = StepsPerCall("auto", seconds=0.25)
    assert pace.steps == 1
    assert pace.fitting(1, 1e-6) == 4


@given(st.floats(1e-6, 100.0), st.floats(1e-3, 10.0))
def test_auto_settles_at_the_time_of_a_call(step, seconds):
    pace = StepsPerCall("auto", seconds=seconds)
    for _ in range(20):
        pace.steps = pace.fitting(pace.steps, pace.steps * step)
    if step >= seconds:
        assert pace.steps == 1
    elif pace.steps < 4**20:
        assert pace.steps * step == pytest.approx(seconds, abs=2 * step)
