"""How far figures lie apart."""

import statistics

import pytest

from kft.run_folder import spread


def test_a_spread_has_mean_range_and_sample_deviation() -> None:
    found = spread.spread([0.5, 0.75, 0.625])
    assert found == spread.Spread(
        0.625, 0.5, 0.75, statistics.stdev([0.5, 0.75, 0.625])
    )
    assert found.standard_deviation == pytest.approx(0.125)
    assert spread.text(found) == (
        "mean 0.6250, 0.5000 to 0.7500, standard deviation 0.1250"
    )


def test_a_single_figure_has_no_deviation_and_a_missing_one_no_spread() -> None:
    assert spread.spread([0.5]) == spread.Spread(0.5, 0.5, 0.5, None)
    assert spread.text(spread.spread([0.5])) == "mean 0.5000, 0.5000 to 0.5000"
    assert spread.spread([0.5, None]) is None
    assert spread.spread([]) is None
