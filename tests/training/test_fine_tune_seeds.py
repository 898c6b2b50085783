"""Several seeds in one process."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from kft import errors
from kft.config import TrainConfig
from kft.run_folder.run_result import RunResult
from kft.training import fine_tune, fine_tune_seeds
from kft.training.kept_network import FinishedRun
from kft.training.monitoring.progress import SilentReporter


def _config(folder: Path, count: int) -> TrainConfig:
    return TrainConfig(
        run_dir=str(folder), stages="head:2@0.1", batch_size=16, repeats=count
    )


def test_each_seed_gives_what_it_gives_alone_and_more_seeds_go_on(
    tiny_run: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "several"
    two = fine_tune_seeds.fine_tune(_config(folder, 2), reporter=SilentReporter())
    alone = tiny_run("alone", stages="head:2@0.1", seed=1)
    assert two.results[1].val_loss == alone.val_loss
    assert two.results[0].val_loss != alone.val_loss
    times = [path.stat().st_mtime_ns for path in folder.glob("seed?/result.json")]

    three = fine_tune_seeds.fine_tune(_config(folder, 3), reporter=SilentReporter())
    assert three.results[:2] == two.results
    assert [
        path.stat().st_mtime_ns for path in folder.glob("seed[01]/result.json")
    ] == times
    told = json.loads((folder / "repeats.json").read_text())
    accuracies = [result.val_accuracy for result in three.results]
    assert told["val_accuracy"]["mean"] == pytest.approx(sum(accuracies) / 3)
    assert told["val_accuracy"]["highest"] == max(accuracies)
    assert [run["run_dir"] for run in told["runs"]] == ["seed0", "seed1", "seed2"]
    assert told["best_seed"] == accuracies.index(max(accuracies))


def _result(accuracy: float | None, *, run_dir: str = "x", **changes) -> RunResult:
    values = {
        "run_dir": Path(run_dir),
        "monitor": "val_accuracy",
        "higher_is_better": True,
        "validation": {} if accuracy is None else {"accuracy": accuracy},
        "test": {},
        "best_stage": "head",
        "best_epoch": 1,
        "seconds": 1.0,
        "startup_seconds": {},
        "stages": (),
    }
    return RunResult(**{**values, **changes})


def test_the_best_is_the_first_with_the_least_of_what_should_be_low() -> None:
    rates = (0.5, 0.2, 0.2)
    results = tuple(
        _result(
            None,
            monitor="val_wer",
            higher_is_better=False,
            validation={"wer": rate},
        )
        for rate in rates
    )
    found = fine_tune_seeds.Repeats(folder=Path("x"), seeds=(0, 1, 2), results=results)
    assert found.best is results[1]
    assert found.figures == ("val_wer",)


def test_the_best_is_the_first_with_the_highest_validation_accuracy() -> None:
    results = tuple(map(_result, (0.5, 0.7, 0.7)))
    found = fine_tune_seeds.Repeats(folder=Path("x"), seeds=(0, 1, 2), results=results)
    assert found.best is results[1]
    without = tuple(map(_result, (None, None)))
    assert (
        fine_tune_seeds.Repeats(folder=Path("x"), seeds=(0, 1), results=without).best
        is without[0]
    )


@pytest.mark.usefixtures("tiny_run")
def test_the_function_of_one_run_refuses_several(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigError, match="makes one run, received repeats=2"):
        fine_tune.fine_tune(_config(tmp_path, 2), reporter=SilentReporter())


def test_keras_remembers_nothing_of_the_seed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def build(config: TrainConfig, **options: object) -> FinishedRun:
        names.append(keras.layers.Dense(1).name)
        return FinishedRun(_result(None, run_dir=config.run_dir))

    monkeypatch.setattr(fine_tune, "finish", build)
    fine_tune_seeds.fine_tune(_config(tmp_path, 2), reporter=SilentReporter())
    assert names == ["dense", "dense"]
