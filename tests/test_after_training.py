"""What follows training, on a real finished run."""

import json
import shutil
from pathlib import Path

import pytest

from kft import after_training, cli, train
from kft.config import TrainConfig
from kft.exporters import export_run


def _train(run: Path, *flags: str) -> int:
    """Run the command again on a run that is finished."""
    arguments = [f"--flagfile={run / 'flags.cfg'}", f"--run_dir={run}", *flags]
    return cli.execute(TrainConfig, train.main, arguments)


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
    assert _train(run, "--assert_accuracy_at_least=1") == cli.BELOW == 3
    shown = capsys.readouterr()
    accuracy = json.loads((run / "result.json").read_text())["val_accuracy"]
    message = f"error: --assert_accuracy_at_least=1: the accuracy is {accuracy:.4f}.\n"
    assert shown.err == message
    assert exported == []
    # What it is worth is known all the same.
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["accuracy"] == pytest.approx(accuracy)
    low, high = kept["accuracy_interval"]
    assert f"{low:.4f} to {high:.4f}" in shown.out
    worst = min(kept["classes"], key=lambda one: one["f1"])
    assert f"worst classes        {worst['label']} (F1" in shown.out

    # A bar is no part of the run: the same command with another goes on.
    written = {path: path.stat().st_mtime_ns for path in run.iterdir()}
    assert _train(run, f"--assert_accuracy_at_least={accuracy}") == cli.DONE
    assert exported == [("saved_model",)]
    assert written == {path: path.stat().st_mtime_ns for path in run.iterdir()}


def test_without_validation_a_bar_can_not_be_kept(run: Path) -> None:
    result = after_training.RunResult(run, None, None, 0.5, 1.0, 1.0, {}, ())
    config = TrainConfig(dataset="tfds:mnist", assert_accuracy_at_least=0.1)
    problem = after_training.below_bar(config, result)
    assert "--assert_accuracy_at_least=0.1 is about validation" in str(problem)
    assert after_training.below_bar(TrainConfig(), result) is None
