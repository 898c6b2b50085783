"""Epoch 0: a network that answers before any training is scored, and may win."""

import dataclasses
import signal

import keras
import pytest

from kft import errors, tasks
from kft.training import stage_loop
from kft.training.evaluator import Evaluator
from tests import kept_weights, tiny
from tests.training.conftest import DROPOUT
from tests.training.test_fine_tune import (
    assert_same_run,
    lines,
    run_until,
    without_times,
)


class _Pretrained(tiny.Task):
    """A tiny task whose network begins with the weights of a run, head included."""

    def __init__(self, weights=None) -> None:
        super().__init__(dropout=DROPOUT)
        self._weights = weights

    def network(self, weights=None):
        network = super().network(weights)
        if weights == "none":
            return network
        if self._weights is not None:
            network.model.load_weights(self._weights)
        return dataclasses.replace(network, head_is_pretrained=True)


@pytest.fixture
def pretrained_run(tiny_run, monkeypatch):
    """Return `tiny_run`, of a network whose head is pretrained."""

    def run(name, *, weights=None, **changes):
        with monkeypatch.context() as patch:
            patch.setattr(tasks, "get", lambda *args, **kwargs: _Pretrained(weights))
            return tiny_run(name, **changes)

    return run


@pytest.fixture
def trained(kept_run):
    """Return the best.weights.h5 of a run that has learned."""
    return kept_run().run_dir / "best.weights.h5"


# Rates that no network survives.
HARMFUL = {"stages": "head:2@1e4,all:1@1e4", "clip_norm": 1.0}


def test_weights_that_training_harms_are_kept_as_they_came(pretrained_run, trained):
    result = pretrained_run("run", weights=trained, **HARMFUL)
    kept_weights.assert_equal(
        kept_weights.read(result.run_dir), kept_weights.read(trained.parent)
    )
    assert (result.best_stage, result.best_epoch) == ("head", 0)
    epochs = result.history
    assert [one.epoch for one in epochs] == [0, 1, 2, 1]
    assert epochs[0].validation == pytest.approx(dict(result.validation), abs=1e-5)
    assert result.val_accuracy > max(one.validation["accuracy"] for one in epochs[1:])
    # Those of a stage are of its own epochs.
    assert result.stages[0].best_epoch in (1, 2)
    assert result.stages[0].epochs == 2
    assert "epoch_0" in result.startup_seconds


def test_where_training_helps_the_run_is_that_of_a_new_head(pretrained_run, kept_run):
    new, pretrained = kept_run(), pretrained_run("run")
    kept_weights.assert_equal(
        kept_weights.read(new.run_dir), kept_weights.read(pretrained.run_dir)
    )
    assert pretrained.best_epoch == new.best_epoch > 0
    first, *others = lines(pretrained.run_dir)
    assert [*map(without_times, others)] == [*map(without_times, lines(new.run_dir))]
    assert (first["stage"], first["epoch"], first["step"]) == ("head", 0, 0)
    # As many columns as the others have, for whoever makes a table of them.
    assert first.keys() == others[0].keys()
    assert first["loss"] is None and first["val_loss"] > 0


def test_a_new_head_is_not_scored(tiny_run, monkeypatch):
    count, original = [], Evaluator.evaluate

    def evaluate(self, *args, **options):
        count.append(1)
        return original(self, *args, **options)

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)
    result = tiny_run("run", stages="head:1@0.1")
    assert [one.epoch for one in result.history] == [1]
    assert "epoch_0" not in result.startup_seconds
    # Once after the epoch, and once for the test split.
    assert len(count) == 2


def test_nothing_is_scored_where_nothing_validates(pretrained_run, monkeypatch):
    splits = dataclasses.replace(tasks.load_splits(None), validation=None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: splits)
    result = pretrained_run("run", stages="head:1@0.1")
    assert [one.epoch for one in result.history] == [1]
    assert result.best_epoch == 1


def test_a_stopped_run_goes_on_with_its_epoch_0(pretrained_run, trained, monkeypatch):
    whole = pretrained_run("whole", weights=trained, **HARMFUL)
    # In the first step, within an epoch, and in the second stage.
    for calls in (0, 2, 9):
        run_until(
            monkeypatch,
            calls,
            lambda: pretrained_run("stopped", weights=trained, **HARMFUL),
        )
    resumed = pretrained_run("stopped", weights=trained, **HARMFUL)
    assert_same_run(whole.run_dir, resumed.run_dir)
    assert resumed.best_epoch == 0


def test_a_run_stopped_while_epoch_0_is_scored_begins_anew(
    pretrained_run, trained, monkeypatch
):
    whole = pretrained_run("whole", weights=trained, **HARMFUL)
    original = stage_loop.StageLoop.score_untrained

    def stopped(self, *args):
        signal.raise_signal(signal.SIGTERM)
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(stage_loop.StageLoop, "score_untrained", stopped)
        with pytest.raises(errors.Interrupted, match="SIGTERM"):
            pretrained_run("stopped", weights=trained, **HARMFUL)
    resumed = pretrained_run("stopped", weights=trained, **HARMFUL)
    assert_same_run(whole.run_dir, resumed.run_dir)


def test_callbacks_count_epochs_of_training_alone(pretrained_run):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(("begin", epoch))

        def on_test_begin(self, logs=None):
            seen.append(("test", None))

        def on_epoch_end(self, epoch, logs=None):
            seen.append(("end", epoch))

    pretrained_run("run", stages="head:2@0.1", callbacks=[Watch()])
    assert seen == [
        *(("begin", 0), ("test", None), ("end", 0)),
        *(("begin", 1), ("test", None), ("end", 1)),
    ]


def test_patience_counts_epochs_of_training_alone(pretrained_run, trained):
    result = pretrained_run(
        "run", weights=trained, stages="head:50@1e-30", patience=2, batch_norm="frozen"
    )
    # The first epoch changes nothing, and is no better than epoch 0.
    assert result.best_epoch == 0
    assert result.stages[0].best_epoch == 1
    assert result.stages[0].epochs == 3


def test_weights_without_a_loss_are_named_before_they_train(
    pretrained_run, monkeypatch
):
    monkeypatch.setattr(
        Evaluator, "evaluate", lambda *args, **options: {"loss": float("nan")}
    )
    with pytest.raises(errors.TrainingError, match="nan before any training"):
        pretrained_run("run", on_nan="stop")
