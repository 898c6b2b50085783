"""The command that trains: what it hands on to what follows."""

import signal
from pathlib import Path

import pytest

from kft import errors
from kft.config import TrainConfig
from kft.evaluation.accuracy_bar import JudgedFigure
from kft.run_folder.run_result import RunResult
from kft.training import fine_tune, fine_tune_seeds, preflight
from kft.training.kept_network import FinishedRun
from kft.workflows import after_training, train_run


def _result(accuracy: float | None) -> RunResult:
    return RunResult(
        run_dir=Path("x"),
        monitor="val_accuracy",
        higher_is_better=True,
        validation={} if accuracy is None else {"accuracy": accuracy},
        test={},
        best_stage="head",
        best_epoch=1,
        seconds=1.0,
        startup_seconds={},
        stages=(),
    )


@pytest.mark.parametrize(
    ("accuracies", "judged"), [((0.5, 0.75), 0.625), ((None, None), None)]
)
def test_of_several_seeds_the_best_is_exported_and_the_mean_judged(
    monkeypatch: pytest.MonkeyPatch,
    accuracies: tuple[float | None, ...],
    judged: float | None,
) -> None:
    results = tuple(map(_result, accuracies))
    found = fine_tune_seeds.Repeats(folder=Path("x"), seeds=(0, 1), results=results)
    seen = []
    monkeypatch.setattr(preflight, "check", lambda config, also: None)
    monkeypatch.setattr(fine_tune_seeds, "fine_tune", lambda config, given: found)
    monkeypatch.setattr(
        after_training, "finish", lambda *what, **_: seen.append(what[1:])
    )
    train_run.run(TrainConfig(repeats=2))
    assert seen == [(FinishedRun(found.best), JudgedFigure("accuracy", judged))]
    assert found.best is results[1 if judged else 0]


def test_a_signal_that_came_when_all_was_saved_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def finish(config: TrainConfig, **options: object) -> FinishedRun:
        signal.raise_signal(signal.SIGTERM)
        return FinishedRun(_result(0.5))

    monkeypatch.setattr(preflight, "check", lambda config, also: None)
    monkeypatch.setattr(fine_tune, "finish", finish)
    monkeypatch.setattr(
        after_training, "finish", lambda *what, **_: pytest.fail("deaf")
    )
    with pytest.raises(errors.Interrupted, match="the run is finished. The same"):
        train_run.run(TrainConfig())
