"""A run of the whole training on the tiny network, in this process."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import tasks
from kft.config import TrainConfig
from kft.data.examples import Splits
from kft.training import fine_tune, preflight
from kft.training.monitoring.progress import SilentReporter
from tests import tiny

DROPOUT = 0.3


@pytest.fixture
def tiny_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable:
    """Return a function that fine-tunes the tiny network: `tiny_run(name, **changes)`.

    Only what knows of images is replaced: the task, its data and its flags' check.
    """
    splits = Splits(
        labels=tiny.Task.labels,
        train=tiny.examples(70),
        validation=tiny.examples(37, seed=1),
        test=tiny.examples(11, seed=2),
        fingerprint="tiny",
        source="tiny",
    )
    monkeypatch.setattr(preflight, "check", lambda config: None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: splits)
    monkeypatch.setattr(tasks, "get", lambda config, labels: tiny.Task(dropout=DROPOUT))

    def run(name: str, *, callbacks=(), **changes) -> fine_tune.RunResult:
        config = TrainConfig(
            run_dir=str(tmp_path / name),
            stages="head:3@0.1,block_3:3@0.05,all:2@0.01",
            batch_size=16,
            export=(),
        )
        config = dataclasses.replace(config, **changes)
        return fine_tune.fine_tune(
            config, callbacks=callbacks, reporter=SilentReporter()
        )

    return run
