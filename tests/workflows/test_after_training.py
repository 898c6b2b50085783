"""What follows training, on a real finished run."""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

import kft
from kft import errors, train
from kft.cli import command
from kft.config import TrainConfig
from kft.evaluation import accuracy_bar, evaluate_run, load_run, run_split
from kft.evaluation.accuracy_bar import JudgedFigure
from kft.exporters import export_run, parity
from kft.exporters.serving_model import ServingModel
from kft.reporting import tensorboard, write_report
from kft.run_folder import run_dir
from kft.run_folder.run_result import RunResult
from kft.training import fine_tune
from kft.training.kept_network import FinishedRun
from kft.training.monitoring.progress import SilentReporter
from kft.workflows import after_training

WELL = JudgedFigure("accuracy", 1.0)


def _train(run: Path, *flags: str) -> int:
    """Run the command again on a run that is finished."""
    arguments = [f"--flagfile={run / 'flags.cfg'}", f"--run_dir={run}", *flags]
    return command.execute(train.COMMAND, arguments)


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished_run, tmp_path / "run")


def test_a_run_below_the_bar_fails_and_is_measured_and_not_exported(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = []
    monkeypatch.setattr(
        export_run,
        "export_run",
        lambda config, **_: exported.append(config.formats) or (),
    )
    assert _train(run, "--assert_accuracy_at_least=1") == command.EXIT_BELOW_TARGET == 3
    shown = capsys.readouterr()
    accuracy = json.loads((run / "result.json").read_text())["val_accuracy"]
    assert shown.err == (
        "error: --assert_accuracy_at_least=1: the validation accuracy is "
        f"{accuracy:.4f}. Nothing was exported.\n"
    )
    assert exported == []
    # Each takes seconds, in which nothing else is seen.
    assert "Measuring the kept weights on the validation examples." in shown.out
    assert f"Writing {run / 'report.html'}." in shown.out
    # What it is worth is known all the same.
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["accuracy"] == pytest.approx(accuracy)
    low, high = kept["accuracy_interval"]
    assert f"{low:.4f} to {high:.4f}" in shown.out
    worst = min(kept["classes"], key=lambda one: one["f1"])
    assert f"worst classes        {worst['label']} (F1" in shown.out

    (board,) = (run / "tensorboard").glob("*.after_training")

    # A bar is no part of the run: the same command with another goes on.
    written = {path: path.stat().st_mtime_ns for path in run.iterdir()}
    assert _train(run, f"--assert_accuracy_at_least={accuracy}") == command.EXIT_OK
    again = capsys.readouterr().out
    assert "Exporting saved_model, checked in a fresh process." in again
    assert "Measuring" not in again and "Writing" not in again
    assert exported == [("saved_model",)]
    assert written == {path: path.stat().st_mtime_ns for path in run.iterdir()}
    assert list((run / "tensorboard").glob("*.after_training")) == [board]


def test_from_python_a_run_is_exported_and_reported_on(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = []
    monkeypatch.setattr(
        export_run, "export_run", lambda config, **_: exported.append(config) or ()
    )
    config = run_dir.read_config(run_dir.at(str(run)))
    config = dataclasses.replace(config, run_dir=str(run), report=True)
    result = kft.fine_tune(config, reporter=SilentReporter())
    (asked,) = exported
    assert (asked.run_dir, asked.formats) == (str(run), ("saved_model",))
    assert result.report == run / "report.html"
    assert [one.epoch for one in result.history] == [1]
    assert capsys.readouterr().out == ""
    for name in ("9", "10", ".tmp-11"):
        (run / "export" / "saved_model" / name).mkdir(parents=True)
    (run / "export" / "litert").mkdir()
    for name in ("model.tflite", "model_int8.tflite"):
        (run / "export" / "litert" / name).touch()
    assert result.exports == {
        "litert": run / "export" / "litert" / "model.tflite",
        "litert_int8": run / "export" / "litert" / "model_int8.tflite",
        "saved_model": run / "export" / "saved_model" / "10",
    }
    (run / "report.html").unlink()
    assert result.report is None
    bar = dataclasses.replace(config, report=False, assert_accuracy_at_least=1.0)
    with pytest.raises(errors.AccuracyError):
        kft.fine_tune(bar, reporter=SilentReporter())
    assert len(exported) == 1


def test_without_validation_a_bar_can_not_be_kept(run: Path) -> None:
    config = TrainConfig(dataset="tfds:mnist", assert_accuracy_at_least=0.1)
    unknown = JudgedFigure("accuracy", None)
    problem = after_training.below_bar(config, unknown)
    assert "--assert_accuracy_at_least=0.1 is about validation" in str(problem)
    assert after_training.below_bar(TrainConfig(), unknown) is None


def test_of_several_seeds_the_mean_is_judged() -> None:
    config = TrainConfig(repeats=3, assert_accuracy_at_least=0.9)
    problem = after_training.below_bar(config, JudgedFigure("accuracy", 0.8))
    assert str(problem) == (
        "--assert_accuracy_at_least=0.9: the mean validation accuracy of 3 seeds is "
        "0.8000. Nothing was exported."
    )
    assert after_training.below_bar(config, JudgedFigure("accuracy", 0.9)) is None


def test_a_task_without_accuracy_is_judged_by_its_own_figure(tmp_path: Path) -> None:
    result = RunResult(
        run_dir=tmp_path,
        monitor="val_wer",
        higher_is_better=False,
        validation={"wer": 0.2, "loss": 1.0},
        test={},
        best_stage="head",
        best_epoch=1,
        seconds=1.0,
        startup_seconds={},
        stages=(),
    )
    judged = accuracy_bar.judged_of(result)
    config = TrainConfig(assert_accuracy_at_least=0.1)
    assert str(after_training.below_bar(config, judged)) == (
        "--assert_accuracy_at_least=0.1: the validation wer (less is better) is "
        "0.2000. Nothing was exported."
    )
    config = TrainConfig(assert_accuracy_at_least=0.2)
    assert after_training.below_bar(config, judged) is None


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (errors.DataError("The images are gone."), "The images are gone. The run"),
        (RuntimeError("a bug"), "RuntimeError: a bug"),
    ],
)
def test_a_report_that_can_not_be_made_does_not_fail_the_run(
    run: Path,
    error: Exception,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise error

    monkeypatch.setattr(write_report, "make", fail)
    monkeypatch.setattr(after_training, "_evaluate", lambda *_: None)
    finished = FinishedRun(RunResult.read(run_dir.at(str(run))))
    with caplog.at_level("ERROR", logger="absl"):
        after_training.finish(TrainConfig(export=()), finished, WELL)
    assert shown in caplog.text
    assert f"python -m kft.report --run_dir={run}" in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, RuntimeError)


def test_a_drawing_that_fails_does_not_lose_the_export(
    run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("no font")

    exported = []
    monkeypatch.setattr(tensorboard, "write", fail)
    monkeypatch.setattr(
        export_run,
        "export_run",
        lambda config, **_: exported.append(config.formats) or (),
    )
    finished = FinishedRun(RunResult.read(run_dir.at(str(run))))
    with caplog.at_level("ERROR", logger="absl"):
        after_training.finish(
            TrainConfig(export=("saved_model",), report=False), finished, WELL
        )
    assert exported == [("saved_model",)]
    assert "lacks the confusion matrix: no font. The run is finished" in caplog.text


def test_a_report_is_made_once_and_again_after_new_exports(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(write_report, "make", lambda run, **_: made.append(run.path))
    monkeypatch.setattr(after_training, "_evaluate", lambda *_: None)
    finished = FinishedRun(RunResult.read(run_dir.at(str(run))))

    def times_made(**flags: bool) -> int:
        after_training.finish(TrainConfig(export=(), **flags), finished, WELL)
        return len(made)

    assert times_made(report=False) == 0
    assert times_made() == 1
    (run / "report.html").write_text("")
    assert times_made() == 1
    (run / "export").mkdir()
    (run / "export" / "parity.json").write_text("{}")
    later = (run / "report.html").stat().st_mtime + 1
    os.utime(run / "export" / "parity.json", (later, later))
    assert times_made() == 2


@pytest.mark.parametrize("part", ["evaluate", "export", "report"])
def test_a_signal_after_training_ends_the_command_with_nothing_half_written(
    part: str,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    module, name = {
        "evaluate": (evaluate_run, "of_split"),
        "export": (parity, "certify"),
        "report": (write_report, "make"),
    }[part]
    if part != "export":
        monkeypatch.setattr(after_training, "_export", lambda *_: None)
    monkeypatch.setattr(module, name, stop)
    assert _train(run) == command.EXIT_RESUMABLE
    assert "Stopped by SIGTERM; what was written before is" in capsys.readouterr().err
    assert list(run.rglob(".tmp-*")) == []
    assert not (run / "report.html").exists()


def test_what_a_run_has_in_memory_is_what_its_folder_has(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = run_dir.read_config(run_dir.at(str(finished_run)))
    config = dataclasses.replace(config, run_dir=str(tmp_path / "run"), export=())
    kept = fine_tune.finish(config, reporter=SilentReporter()).kept
    assert kept is not None
    run = run_dir.at(config.run_dir)
    fresh = load_run.loader_of(run).loaded()
    found = fresh.network.model.get_weights()
    for own, other in zip(kept.network.model.get_weights(), found, strict=True):
        np.testing.assert_array_equal(own, other)
    expected = evaluate_run.predict(fresh, run_split.of_split(fresh, "validation"))

    def load(*what: object, **options: object) -> None:
        pytest.fail("The run is in memory.")

    monkeypatch.setattr(load_run, "load", load)
    monkeypatch.setattr(evaluate_run, "predict", load)
    loader = load_run.loader_of(run, kept=kept)
    assert loader.loaded("float32") is loader.loaded()
    predictions = evaluate_run.of_split(run, "validation", loader=loader).predictions
    assert predictions.ids.tolist() == expected.ids.tolist()
    assert predictions.labels.tolist() == expected.labels.tolist()
    np.testing.assert_allclose(predictions.logits, expected.logits, atol=1e-5)
    examples = run_split.of_split(loader.loaded(), "validation")
    questions = parity.make_batch(ServingModel(loader.loaded()), examples, 5)
    again = parity.make_batch(ServingModel(fresh), examples, 5)
    np.testing.assert_allclose(questions.scores, again.scores, atol=1e-5)


def test_a_finished_run_has_nothing_in_memory(run: Path) -> None:
    config = run_dir.read_config(run_dir.at(str(run)))
    config = dataclasses.replace(config, run_dir=str(run))
    assert fine_tune.finish(config, reporter=SilentReporter()).kept is None
