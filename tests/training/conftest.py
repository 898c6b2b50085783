"""A run of the whole training on the tiny network, in this process."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import tasks
from kft.config import TrainConfig
from kft.data.examples import Labelled, Splits
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
    known = Labelled(splits.labels, splits.parts())
    monkeypatch.setattr(tasks, "load_known", lambda config, labels: known)
    monkeypatch.setattr(
        tasks, "get", lambda config, labels, run=None: tiny.Task(dropout=DROPOUT)
    )

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


@pytest.fixture(scope="session")
def _kept_runs() -> dict[str, fine_tune.RunResult]:
    return {}


@pytest.fixture
def kept_run(
    tiny_run: Callable,
    tmp_path_factory: pytest.TempPathFactory,
    _kept_runs: dict[str, fine_tune.RunResult],
) -> Callable:
    """Return a function that fine-tunes like `tiny_run`, once for the same changes.

    `kept_run(**changes)`; many tests read the run, and none may change its folder.
    """

    def run(**changes) -> fine_tune.RunResult:
        key = repr(sorted(changes.items()))
        if key not in _kept_runs:
            folder = tmp_path_factory.mktemp("kept") / "run"
            _kept_runs[key] = tiny_run(str(folder), **changes)
        return _kept_runs[key]

    return run
