"""The list of training labels that a network doubts: order, table, page."""

import csv
import dataclasses
import io
import json
import math
import shutil
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.evaluation import evaluate_run, load_run, run_split
from kft.metrics.predictions import Predictions
from kft.reporting import doubted_labels, write_report
from kft.run_folder import run_dir
from tests.reporting.pages import Page


@pytest.fixture(scope="module")
def run(finished_run: Path) -> load_run.LoadedRun:
    return load_run.load(str(finished_run))


def _saying(monkeypatch: pytest.MonkeyPatch, logits: list[list[float]]) -> None:
    """Let the network say this of the first training examples, and give no others."""
    all_of_split, truly = run_split.of_split, evaluate_run.predict

    def of_split(run, split):
        found = all_of_split(run, split)
        return found.take(np.arange(len(logits))) if split == "train" else found

    def predict(run, examples, **bar):
        if len(examples) != len(logits):
            return truly(run, examples, **bar)
        rows = np.array(logits, np.float32)
        return Predictions(examples.ids, np.zeros(len(rows), np.int32), rows)

    monkeypatch.setattr(run_split, "of_split", of_split)
    monkeypatch.setattr(evaluate_run, "predict", predict)


def test_the_label_with_the_least_probability_comes_first(run, monkeypatch) -> None:
    # Sure of another class, nearly undecided, sure that the label is right.
    said = [[0.0, 1.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 5.0]]
    _saying(monkeypatch, said)
    found = doubted_labels.find(run, 2)
    names, ids = run.labels.names, run_split.of_split(run, "train").ids
    assert [row.id for row in found.rows] == [ids[2], ids[0]]
    assert [row.label for row in found.rows] == [names[0], names[0]]
    assert [row.predicted for row in found.rows] == [names[2], names[1]]
    assert found.rows[0].loss == pytest.approx(math.log(math.exp(5) + 2))
    probability = math.exp(5) / (math.exp(5) + 2)
    assert found.rows[0].probability == pytest.approx(probability)
    assert (found.examples, found.contradicted) == (3, 2)
    assert [card.name for card in found.cards] == [ids[2], ids[0]]


def test_a_wrong_label_is_on_the_page_and_in_the_table(
    finished_run, tmp_path, monkeypatch
) -> None:
    shutil.copytree(finished_run.parent, tmp_path, dirs_exist_ok=True)
    run = run_dir.at(str(tmp_path / "run"))
    _saying(monkeypatch, [[5.0, 0.0, 0.0]] * 3 + [[-5.0, 5.0, 0.0]])
    report = write_report.make(run, doubted_labels=4)
    assert report.files[-1] == run.path / "doubted_labels.csv"
    rows = list(csv.DictReader(io.StringIO(report.files[-1].read_text())))
    assert list(rows[0]) == ["id", "label", "predicted", "probability", "loss"]
    assert len(rows) == 4
    assert (rows[0]["label"], rows[0]["predicted"]) == ("cyan", "magenta")
    assert float(rows[0]["loss"]) > 10
    page = Page(run.report_html.read_text())
    assert "of 4 it contradicts 1" in page.text
    assert rows[0]["id"] in page.text


def test_a_page_that_nobody_asked_it_of_is_without_it(finished_run, tmp_path) -> None:
    shutil.copytree(finished_run.parent, tmp_path, dirs_exist_ok=True)
    report = write_report.make(run_dir.at(str(tmp_path / "run")))
    assert "Doubted labels" not in report.path.read_text()
    assert not (tmp_path / "run" / "doubted_labels.csv").exists()


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"multi_label": True}, "--multi_label"),
        ({}, "--task=image_classification"),
    ],
)
def test_a_run_of_other_labels_is_refused_before_its_examples_are_read(
    run, monkeypatch, changes, option
) -> None:
    monkeypatch.delattr(run_split, "of_split")
    spec = tf.TensorSpec([len(run.labels)], tf.float32)
    objective = types.SimpleNamespace(target_spec=spec)
    several = dataclasses.replace(
        run,
        task=types.SimpleNamespace(objective=objective),
        config=dataclasses.replace(run.config, **changes),
    )
    message = f"--doubted_labels=3: .*one class each, received one with {option}"
    with pytest.raises(errors.ConfigError, match=message):
        doubted_labels.find(several, 3)


def test_training_examples_that_are_gone_are_asked_for(finished_run, tmp_path) -> None:
    shutil.copytree(finished_run.parent, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "dataset": "folder:gone"}))
    gone = dataclasses.replace(load_run.load(str(tmp_path / "run")))
    with pytest.raises(errors.DataError, match="needs its train examples"):
        doubted_labels.find(gone, 3)
