"""A search over the tiny network, in this process."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import data, preflight, tasks
from kft.config import TuneConfig
from kft.data.examples import Splits
from kft.search import check, search
from kft.training import interrupt
from kft.training.progress import SilentReporter
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
def tiny_search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable:
    """Return a function that searches on the tiny network: `tiny_search(**changes)`.

    Only what knows of pictures is replaced: the task, its data and its flags' check.
    """
    monkeypatch.setattr(preflight, "check", lambda config, also=(): None)
    monkeypatch.setattr(data, "load_splits", lambda config: tiny_splits())
    monkeypatch.setattr(tasks, "get", lambda config, labels: tiny.Task())

    def run(*, signals: interrupt.Interrupt | None = None, **changes) -> search.Outcome:
        config = TuneConfig(
            search_dir=str(tmp_path / "search"),
            stages="head:2",
            space="learning_rate=log:1e-3..1",
            tuner="random",
            trials=3,
            batch_size=16,
        )
        config = dataclasses.replace(config, **changes)
        config, space = check.check(config, {})
        return search.run(
            config,
            space,
            signals=signals or interrupt.Interrupt(),
            reporter=SilentReporter(),
        )

    return run
