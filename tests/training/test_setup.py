"""What can be said of a run only once its data is there."""

import dataclasses
from collections.abc import Callable

import pytest

from kft import errors, tasks


def test_a_batch_with_room_for_more_than_there_is_is_refused(
    tiny_run: Callable,
) -> None:
    message = "--batch_size=100000: expected at most the 70 training examples"
    with pytest.raises(errors.ConfigError, match=message):
        tiny_run("large", batch_size=100_000)


def test_a_mean_that_nothing_could_judge_is_refused(
    tiny_run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = dataclasses.replace(tasks.load_splits(None), validation=None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: splits)
    with pytest.raises(errors.ConfigError, match="--average=last:2 keeps a mean"):
        tiny_run("run", average="last:2")
