"""What a run's temperature does to the figures of an evaluation."""

import math
from pathlib import Path

import numpy as np
import pytest

from kft.data.ragged import Ragged
from kft.evaluation import calibrated_temperature
from kft.metrics import calibration
from kft.metrics.predictions import Predictions
from kft.run_folder.run_dir import RunDir


def test_figures_as_served_are_those_of_the_divided_logits(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    found = calibration.Calibration(2.0, 4, 0.6, 0.5, 0.15, 0.0)
    calibrated_temperature.record(run, found)
    assert calibrated_temperature.recorded(run) == found
    # Sure with 0.9, and right three times in four: halved logits say 0.75.
    logits = np.array([[math.log(9), 0.0]] * 4)
    labels = np.array([0, 0, 0, 1])
    predictions = Predictions(np.array(list("abcd")), labels, logits)
    served = calibrated_temperature.served(run, predictions)
    assert served["temperature"] == 2.0
    assert served["served_ece"] == pytest.approx(0)
    loss = -(3 * math.log(0.75) + math.log(0.25)) / 4
    assert served["served_loss"] == pytest.approx(loss)


def test_a_run_without_temperature_has_no_figures_as_served(tmp_path: Path) -> None:
    predictions = Predictions(np.array(["a"]), np.zeros(1, int), np.zeros([1, 2]))
    served = calibrated_temperature.served(RunDir(tmp_path), predictions)
    assert served.keys() == {"temperature", "served_loss", "served_ece"}
    assert set(served.values()) == {None}


def test_labels_for_every_step_have_no_figures_as_served(tmp_path: Path) -> None:
    found = calibration.Calibration(2.0, 4, 0.6, 0.5, 0.15, 0.0)
    calibrated_temperature.record(RunDir(tmp_path), found)
    labels = Ragged.from_rows([np.zeros(3, np.int32)])
    logits = Ragged.from_rows([np.zeros([3, 2], np.float32)])
    predictions = Predictions(np.array(["a"]), labels, logits)
    assert calibrated_temperature.served(RunDir(tmp_path), predictions) == {}
