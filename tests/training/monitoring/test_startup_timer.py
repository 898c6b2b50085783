"""The start of a run is measured part by part."""

import time
from types import SimpleNamespace

import pytest

from kft.config import TrainConfig
from kft.training import fine_tune, preflight
from kft.training.monitoring.startup_timer import StartupTimer
from kft.workflows import after_training, train_run


def ticking(*times: float):
    left = iter(times)
    return lambda: next(left)


def test_each_part_has_its_seconds_and_the_first_step_counts_once():
    startup = StartupTimer(3.0, clock=ticking(10, 11, 11, 13, 20, 24, 30))
    with startup.part("data"):
        pass
    with startup.part("network"):
        pass
    startup.await_first_step()
    startup.first_step_done()
    startup.first_step_done()
    startup.await_first_step()
    startup.first_step_done()
    assert startup.seconds() == {
        "import": 3.0,
        "data": 1.0,
        "network": 2.0,
        "first_step": 4.0,
    }


def test_a_part_between_is_none_of_the_first_step():
    startup = StartupTimer(clock=ticking(10, 12, 15, 20))
    startup.await_first_step()
    with startup.part("epoch_0"):
        pass
    startup.first_step_done()
    assert startup.seconds() == {"epoch_0": 3.0, "first_step": 7.0}


def test_what_is_not_known_is_left_out():
    assert StartupTimer().seconds() == {}


def test_importing_is_timed_only_where_the_process_is_of_one_run(
    monkeypatch: pytest.MonkeyPatch,
):
    seen = []

    def run(config: TrainConfig, **options: object) -> SimpleNamespace:
        seen.append(options["seconds_to_import"])
        result = SimpleNamespace(
            metric="accuracy", higher_is_better=True, validation={}
        )
        return SimpleNamespace(result=result)

    monkeypatch.setattr(preflight, "check", lambda config, also: None)
    monkeypatch.setattr(fine_tune, "finish", run)
    monkeypatch.setattr(after_training, "finish", lambda *what, **_: None)
    # As a search does with its winner, hours after it began.
    train_run.run(TrainConfig())
    train_run.run(TrainConfig(), process_start=time.time() - 5)
    assert seen[0] is None
    assert 5 <= seen[1] < 60
