import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from kft.data.ragged import Ragged
from kft.evaluation import prediction_files
from kft.evaluation.prediction_files import PredictionSource
from kft.metrics.predictions import Predictions
from kft.run_folder.run_dir import RunDir

SOURCE = PredictionSource("folder:x", "validation", "0" * 64, ("a", "b"))


def test_rows_of_different_length_come_back_as_they_were(tmp_path: Path) -> None:
    labels = Ragged.from_rows([np.array([0, 1, 1], np.int32), np.array([1], np.int32)])
    logits = Ragged.from_rows([np.ones([3, 2], np.float32), np.zeros([1, 2])])
    run = RunDir(tmp_path)
    written = Predictions(np.array(["a", "b"]), labels, logits)
    prediction_files.write(run, written, SOURCE)
    found = prediction_files.read(run.predictions, SOURCE)
    for name in ("labels", "logits"):
        before, after = getattr(written, name), getattr(found, name)
        np.testing.assert_array_equal(after.values, before.values)
        np.testing.assert_array_equal(after.offsets, before.offsets)
        assert after.values.dtype == before.values.dtype


def test_a_class_and_its_logits_are_plain_arrays_as_they_always_were(
    tmp_path: Path,
) -> None:
    labels, logits = np.array([1, 0], np.int32), np.eye(2, dtype=np.float32)
    run = RunDir(tmp_path)
    prediction_files.write(
        run, Predictions(np.array(["a", "b"]), labels, logits), SOURCE
    )
    with np.load(run.predictions) as arrays:
        assert set(arrays) == {"source", "ids", "labels", "logits"}
        assert json.loads(str(arrays["source"]))["split"] == "validation"
    found = prediction_files.read(run.predictions, SOURCE)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.logits, logits)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_a_damaged_file_has_no_predictions(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "predictions.npz").write_bytes(content)
    assert prediction_files.read(tmp_path / "predictions.npz", SOURCE) is None


def test_predictions_of_views_are_not_those_of_the_network(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    found = Predictions(np.array(["x"]), np.array([1], np.int32), np.zeros((1, 2)))
    of_views = dataclasses.replace(SOURCE, tta="flip")
    prediction_files.write(run, found, of_views)
    assert prediction_files.read(run.predictions, SOURCE) is None
    assert prediction_files.read(run.predictions, of_views) is not None
    # Files of runs before there were views are still those of the network.
    assert "tta" not in json.loads(SOURCE.to_json())
