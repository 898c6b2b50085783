"""What a run's temperature does to the figures of an evaluation."""

import math
from pathlib import Path

import numpy as np
import pytest

from kft.evaluation import calibrated_temperature
from kft.metrics import calibration
from kft.run_folder.run_dir import RunDir


def test_figures_as_served_are_those_of_the_divided_logits(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    found = calibration.Calibration(2.0, 4, 0.6, 0.5, 0.15, 0.0)
    calibrated_temperature.record(run, found)
    assert calibrated_temperature.recorded(run) == found
    # Sure with 0.9, and right three times in four: halved logits say 0.75.
    logits = np.array([[math.log(9), 0.0]] * 4)
    served = calibrated_temperature.served(run, logits, np.array([0, 0, 0, 1]))
    assert served["temperature"] == 2.0
    assert served["served_ece"] == pytest.approx(0)
    loss = -(3 * math.log(0.75) + math.log(0.25)) / 4
    assert served["served_loss"] == pytest.approx(loss)


def test_a_run_without_temperature_has_no_figures_as_served(tmp_path: Path) -> None:
    served = calibrated_temperature.served(
        RunDir(tmp_path), np.zeros([1, 2]), np.zeros(1, int)
    )
    assert set(served.values()) == {None}
