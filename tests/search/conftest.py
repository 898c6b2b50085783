"""Searches in this process: on the tiny network, or on runs that are only played."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

from kft import tasks
from kft.config import TrainConfig, TuneConfig, stages
from kft.data.examples import Splits
from kft.run_folder.history import EpochRecord
from kft.training import preflight
from kft.training.monitoring import signals
from kft.training.monitoring.progress import SilentReporter
from tests import tiny


def tiny_splits(fingerprint: str = "tiny") -> Splits:
    """Return 70 training, 37 validation and 11 test examples of noise."""
    return Splits(
        labels=tiny.Task.labels,
        train=tiny.examples(70),
        validation=tiny.examples(37, seed=1),
        test=tiny.examples(11, seed=2),
        fingerprint=fingerprint,
        source="tiny",
    )


@pytest.fixture
def search_tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable:
    """Return a function that searches on the tiny network: `search_tiny(**changes)`.

    Only what knows of images is replaced: the task, its data and its flags' check.
    """
    from kft.search import check, search

    monkeypatch.setattr(preflight, "check", lambda config, also=(): None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: tiny_splits())
    monkeypatch.setattr(tasks, "get", lambda config, labels: tiny.Task())

    def run(**changes) -> search.Outcome:
        config = TuneConfig(
            search_dir=str(tmp_path / "search"),
            stages="head:3",
            space="learning_rate=log:1e-3..1",
            tuner="random",
            trials=6,
            batch_size=16,
        )
        config, space = check.check(dataclasses.replace(config, **changes), {})
        return search.run(
            config, space, signals=signals.Signals(), reporter=SilentReporter()
        )

    return run


class Played:
    """Takes the place of `fine_tune`: notes the configs, and gives them figures.

    Attributes:
        configs: of the runs, in their order.
        figure: what the runs are chosen by.
        best: the better of several values of it.
        curve: gives its value of validation after each epoch; it may raise.
    """

    def __init__(self) -> None:
        self.configs: list[TrainConfig] = []
        self.figure, self.best = "accuracy", max
        self.curve: Callable[[TrainConfig], list[float]] = lambda config: (
            [min(1.0, config.learning_rate)]
            * sum(stage.epochs for stage in stages.parse_stages(config.stages))
        )

    def __call__(self, config, *, callbacks=(), reporter=None):
        self.configs.append(config)
        values = self.curve(config)
        folder = Path(config.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for epoch, value in enumerate(values):
            lines.append(json.dumps(self._record(epoch, value).to_json()))
            (folder / "metrics.jsonl").write_text("\n".join(lines))
            for callback in callbacks:
                callback.on_epoch_end(epoch, {})
        validation = {self.figure: self.best(values), "loss": 1.0}
        return SimpleNamespace(validation=validation, test={})

    def _record(self, epoch: int, value: float) -> EpochRecord:
        return EpochRecord(
            stage="head",
            epoch=epoch + 1,
            epochs=3,
            step=epoch,
            train={},
            validation={self.figure: value, "loss": 1.0},
            learning_rate=0.1,
            seconds=1.0,
            examples_per_second=1.0,
            input_wait_fraction=None,
        )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Let runs be played: a trial's accuracy is its learning rate, in every epoch."""
    from kft.training import fine_tune

    runs = Played()
    # There are no graphs to forget, and looking for them takes longer than the test.
    monkeypatch.setattr(keras.utils, "clear_session", lambda: None)
    monkeypatch.setattr(fine_tune, "fine_tune", runs)
    return runs
