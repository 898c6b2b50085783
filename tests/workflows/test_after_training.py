"""What follows training, on a real finished run."""

import json
import os
import shutil
from pathlib import Path

import pytest

from kft import errors, train
from kft.cli import command
from kft.config import TrainConfig
from kft.exporters import export_run
from kft.reporting import tensorboard, write_report
from kft.run_folder import run_dir
from kft.workflows import after_training


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
        export_run, "export_run", lambda config: exported.append(config.formats) or ()
    )
    assert _train(run, "--assert_accuracy_at_least=1") == command.EXIT_BELOW_TARGET == 3
    shown = capsys.readouterr()
    accuracy = json.loads((run / "result.json").read_text())["val_accuracy"]
    assert shown.err == (
        "error: --assert_accuracy_at_least=1: the validation accuracy is "
        f"{accuracy:.4f}. Nothing was exported.\n"
    )
    assert exported == []
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
    assert exported == [("saved_model",)]
    assert written == {path: path.stat().st_mtime_ns for path in run.iterdir()}
    assert list((run / "tensorboard").glob("*.after_training")) == [board]


def test_without_validation_a_bar_can_not_be_kept(run: Path) -> None:
    config = TrainConfig(dataset="tfds:mnist", assert_accuracy_at_least=0.1)
    problem = after_training.below_bar(config, None)
    assert "--assert_accuracy_at_least=0.1 is about validation" in str(problem)
    assert after_training.below_bar(TrainConfig(), None) is None


def test_of_several_seeds_the_mean_is_judged() -> None:
    config = TrainConfig(repeats=3, assert_accuracy_at_least=0.9)
    problem = after_training.below_bar(config, 0.8)
    assert str(problem) == (
        "--assert_accuracy_at_least=0.9: the mean validation accuracy of 3 seeds is "
        "0.8000. Nothing was exported."
    )
    assert after_training.below_bar(config, 0.9) is None


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
    def fail(run: run_dir.RunDir) -> None:
        raise error

    monkeypatch.setattr(write_report, "make", fail)
    monkeypatch.setattr(after_training, "_evaluate", lambda run: None)
    result = after_training.RunResult.read(run_dir.at(str(run)))
    with caplog.at_level("ERROR", logger="absl"):
        after_training.finish(TrainConfig(export=()), result, 1.0)
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
        export_run, "export_run", lambda config: exported.append(config.formats) or ()
    )
    result = after_training.RunResult.read(run_dir.at(str(run)))
    with caplog.at_level("ERROR", logger="absl"):
        after_training.finish(
            TrainConfig(export=("saved_model",), report=False), result, 1.0
        )
    assert exported == [("saved_model",)]
    assert "lacks the confusion matrix: no font. The run is finished" in caplog.text


def test_a_report_is_made_once_and_again_after_new_exports(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(write_report, "make", lambda run: made.append(run.path))
    monkeypatch.setattr(after_training, "_evaluate", lambda run: None)
    result = after_training.RunResult.read(run_dir.at(str(run)))

    def times_made(**flags: bool) -> int:
        after_training.finish(TrainConfig(export=(), **flags), result, 1.0)
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
