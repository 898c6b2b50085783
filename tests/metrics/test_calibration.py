import numpy as np
import pytest

from kft import errors
from kft.metrics import calibration, scores


def _confident(n: int, *, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Return logits that are `factor` times too large for their labels."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (n, 4))
    probabilities = scores.softmax(honest)
    drawn = (rng.random((n, 1)) > probabilities.cumsum(-1)).sum(-1).clip(0, 3)
    return honest * factor, drawn


def test_the_temperature_is_what_the_logits_are_too_large_by() -> None:
    logits, labels = _confident(20_000, factor=3.0)
    found = calibration.calibrate(logits, labels)
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    assert found.ece_before > 0.1
    assert found.ece_after < 0.02
    assert found.loss_after < found.loss_before


def test_timid_logits_get_a_temperature_below_one() -> None:
    logits, labels = _confident(20_000, factor=0.4)
    assert calibration.calibrate(logits, labels).temperature == pytest.approx(
        0.4, rel=0.05
    )


@pytest.mark.parametrize(
    ("logits", "labels", "why"),
    [
        # Sure and right: the loss is 0 whatever the temperature.
        (60.0 * np.eye(3), [0, 1, 2], "all 3 validation examples are right"),
        (np.eye(3), [0, 1, 2], "all 3 validation examples are right"),
        # One of two that are equal is right: the first is the answer.
        ([[1.0, 1.0], [0.05, 0.0]], [1, 0], "the surer the answers"),
        ([[3.0, 0.0], [3.0, 0.0]], [0, 1], "no more than chance"),
        ([[0.0, 3.0], [3.0, 0.0]], [0, 1], "no more than chance"),
    ],
)
def test_where_no_temperature_is_the_best_none_is_made_up(logits, labels, why) -> None:
    with pytest.raises(errors.ConfigError, match=why):
        calibration.calibrate(np.array(logits), np.array(labels))
