"""Runs of all folds, on the tiny network."""

import csv
import io
import json
import signal
from pathlib import Path

import numpy as np
import pytest

from kft import errors, tasks
from kft.config import TrainConfig
from kft.data import examples as data_examples
from kft.data import splits
from kft.evaluation import evaluate_run
from kft.evaluation.cross_validate import cross_validate
from kft.training import preflight
from kft.training.monitoring.progress import SilentReporter
from kft.workflows import train_run
from tests import tiny


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> data_examples.Table:
    found = tiny.examples(60)
    table = data_examples.Table(
        ids=found.ids,
        labels=found.labels,
        sizes=np.full(len(found), 10),
        split_names=np.array(["train"] * len(found)),
        read=found.read,
    )
    monkeypatch.setattr(preflight, "check", lambda config, also=(): None)
    monkeypatch.setattr(
        tasks,
        "load_splits",
        lambda config: splits.assemble(tiny.Task.labels, table, config),
    )
    monkeypatch.setattr(tasks, "get", lambda config, labels, run=None: tiny.Task())
    return table


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def _config(folder: Path, **changes: object) -> TrainConfig:
    values = {
        "dataset": "tiny",
        "run_dir": str(folder / "folds"),
        "stages": "head:2@0.1",
        "batch_size": 16,
        "export": (),
        "folds": 3,
    }
    return TrainConfig(**{**values, **changes})


def test_each_example_is_answered_once_and_a_second_command_trains_nothing(
    table: data_examples.Table, tmp_path: Path
) -> None:
    found = cross_validate(_config(tmp_path), reporter=SilentReporter())
    folder = tmp_path / "folds"
    rows = _rows(folder / "out_of_fold.csv")
    assert sorted(row["id"] for row in rows) == sorted(table.ids.tolist())
    told = json.loads((folder / "folds.json").read_text())
    accuracies = [result.val_accuracy for result in found.results]
    assert told["val_accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert [run["run_dir"] for run in told["runs"]] == ["fold0", "fold1", "fold2"]
    right = [row["label"] == row["predicted"] for row in rows]
    assert told["out_of_fold"]["accuracy"] == pytest.approx(np.mean(right))
    # What a fold says is what its own run found.
    for fold, result in enumerate(found.results):
        own = [
            r for r, row in zip(right, rows, strict=True) if row["fold"] == str(fold)
        ]
        assert np.mean(own) == pytest.approx(result.val_accuracy)
    before = {p: p.stat().st_mtime_ns for p in folder.glob("fold?/result.json")}
    (folder / "out_of_fold.csv").unlink()
    again = cross_validate(_config(tmp_path), reporter=SilentReporter())
    assert again.results == found.results
    assert {p: p.stat().st_mtime_ns for p in folder.glob("fold?/result.json")} == before
    assert _rows(folder / "out_of_fold.csv") == rows


@pytest.mark.usefixtures("table")
def test_the_command_says_what_came_out_and_judges_the_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path, assert_accuracy_at_least=1.0, stages="head:1@1e-6")
    with pytest.raises(
        errors.AccuracyError, match="mean validation accuracy of 3 f"
    ) as e:
        train_run.run(config)
    told = json.loads((tmp_path / "folds/folds.json").read_text())
    assert f"{told['val_accuracy']['mean']:.4f}" in str(e.value)
    assert told["val_accuracy"]["lowest"] < told["val_accuracy"]["highest"]
    said = capsys.readouterr().out
    assert "3 folds, " in said
    assert "of 60 examples" in said
    assert "Nothing is exported" in said
    assert not list((tmp_path / "folds").glob("fold?/export"))


@pytest.mark.usefixtures("table")
def test_a_signal_between_two_folds_stops_the_command_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_split = evaluate_run.of_split

    def with_signal(*what: object, **how: object) -> evaluate_run.Evaluation:
        signal.raise_signal(signal.SIGTERM)
        return of_split(*what, **how)

    with monkeypatch.context() as patch:
        patch.setattr(evaluate_run, "of_split", with_signal)
        with pytest.raises(errors.Interrupted):
            train_run.run(_config(tmp_path))
    folder = tmp_path / "folds"
    assert (folder / "fold0/result.json").is_file()
    assert not (folder / "fold1/result.json").is_file()
    assert not (folder / "folds.json").exists()
    train_run.run(_config(tmp_path))
    assert (
        json.loads((folder / "folds.json").read_text())["out_of_fold"]["examples"] == 60
    )
