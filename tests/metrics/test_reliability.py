import numpy as np
import pytest

from kft.metrics import reliability

# Two bins: confidence 0.9 with 1 of 2 right, confidence 0.6 with 2 of 2.
PROBABILITIES = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
LABELS = np.array([0, 1, 0, 1])


def test_calibration_error_by_hand() -> None:
    expected = (2 * abs(0.5 - 0.9) + 2 * abs(1 - 0.6)) / 4
    bins = reliability.bins(PROBABILITIES, LABELS)
    assert reliability.expected_calibration_error(bins) == pytest.approx(expected)


def test_bins_hold_every_example_and_say_where_there_is_none() -> None:
    bins = reliability.bins(PROBABILITIES, LABELS)
    assert len(bins) == 15
    assert (bins[0].low, bins[-1].high) == (0.0, 1.0)
    filled = {rank: one for rank, one in enumerate(bins) if one.examples}
    # 0.6 is the upper edge of bin 8, and belongs to it.
    assert {rank: one.examples for rank, one in filled.items()} == {8: 2, 13: 2}
    assert filled[8].confidence == pytest.approx(0.6)
    assert (filled[8].accuracy, filled[13].accuracy) == (1.0, 0.5)
    assert (bins[3].confidence, bins[3].accuracy) == (None, None)


def test_a_sure_and_right_network_has_no_calibration_error() -> None:
    bins = reliability.bins(np.eye(3), np.arange(3))
    assert bins[-1].examples == 3
    assert reliability.expected_calibration_error(bins) == 0
