"""A run as its user has it: what is written, kept, repeated and continued."""

import dataclasses
import errno
import json
import shutil
import signal
from collections.abc import Callable

import h5py
import keras
import numpy as np
import pytest

from kft import errors
from kft.model import freeze
from kft.run_folder.run_dir import RunDir
from kft.training import stage_loop
from kft.training.best_weights import BestWeights
from tests import kept_weights, tiny


def lines(run_dir) -> list[dict]:
    text = (run_dir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def without_times(line: dict) -> dict:
    timed = ("seconds", "examples_per_second", "input_wait_fraction")
    return {k: v for k, v in line.items() if k not in timed}


def assert_same_run(first, second) -> None:
    kept_weights.assert_equal(kept_weights.read(first), kept_weights.read(second))
    assert [*map(without_times, lines(first))] == [*map(without_times, lines(second))]


def test_a_run_learns_and_writes_what_the_contract_names(kept_run):
    result = kept_run()
    assert result.val_accuracy > 0.8
    written = json.loads((result.run_dir / "result.json").read_text())
    assert written["status"] == "finished"
    assert written["test_accuracy"] == result.test_accuracy > 0.6
    assert [stage.name for stage in result.stages] == ["head", "block_3", "all"]
    assert [stage.cached for stage in result.stages] == [True, True, False]
    assert [line["step"] for line in lines(result.run_dir)] == [*range(5, 41, 5)]
    best = max(lines(result.run_dir), key=lambda line: line["val_accuracy"])
    assert result.val_accuracy == pytest.approx(best["val_accuracy"], abs=1e-6)
    assert len(list((result.run_dir / "tensorboard").glob("events.*"))) == 1
    for name in ("labels.txt", "split.csv", "environment.json", "config.json"):
        assert (result.run_dir / name).stat().st_size > 0


def test_a_finished_run_is_left_alone(tiny_run, kept_run):
    result = kept_run()
    before = (result.run_dir / "best.weights.h5").stat().st_mtime_ns
    assert tiny_run(str(result.run_dir)) == result
    assert (result.run_dir / "best.weights.h5").stat().st_mtime_ns == before


BALANCED = {"sampling": "balanced", "class_weight": "balanced"}


@pytest.mark.parametrize(("where", "changes"), [("memory", {}), ("disk", BALANCED)])
def test_cached_features_change_nothing(tiny_run, where, changes):
    live = tiny_run("live", feature_cache="off", **changes)
    cached = tiny_run(where, feature_cache=where, **changes)
    assert [stage.cached for stage in live.stages] == [False, False, False]
    assert [stage.cached for stage in cached.stages] == [True, True, False]
    assert_same_run(live.run_dir, cached.run_dir)


def stop_after(monkeypatch, calls: int) -> None:
    """Send this process SIGTERM in the host call with this number."""
    original, count = stage_loop.StageLoop._call, iter(range(1000))

    def call(self, *args):
        if next(count) == calls:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *args)

    monkeypatch.setattr(stage_loop.StageLoop, "_call", call)
    monkeypatch.setattr(stage_loop, "_SECONDS_PER_CALL", 0.0)


def run_until(monkeypatch, calls: int, run: Callable[[], object]) -> None:
    """Run until SIGTERM comes in the host call with this number, which stops it."""
    with monkeypatch.context() as patch:
        stop_after(patch, calls)
        with pytest.raises(errors.Interrupted, match="SIGTERM"):
            run()


@pytest.mark.parametrize(
    "changes", [{}, {"ema_decay": 0.9, "batch_norm": "train", **BALANCED}]
)
def test_a_run_goes_on_bit_by_bit_where_signals_stopped_it(
    tiny_run, kept_run, monkeypatch, changes
):
    whole = kept_run(**changes)
    # 40 steps in all: stopped at once, within epochs, at the end of an epoch and of a
    # stage, and in the last step.
    for calls in (0, 3, 7, 5, 14, 5):
        run_until(monkeypatch, calls, lambda: tiny_run("stopped", **changes))
    resumed = tiny_run("stopped", **changes)
    assert_same_run(whole.run_dir, resumed.run_dir)


def test_what_only_an_unfinished_run_needs_is_removed(tiny_run, monkeypatch, tmp_path):
    run = RunDir(tmp_path / "run")
    run_until(monkeypatch, 3, lambda: tiny_run("run", feature_cache="disk"))
    assert list(run.checkpoints.iterdir())
    assert list(run.features.iterdir())
    tiny_run("run", feature_cache="disk")
    assert not run.checkpoints.exists()
    assert not run.features.exists()


def test_a_state_that_cannot_be_removed_fails_no_run(tiny_run, monkeypatch, caplog):
    remove = shutil.rmtree

    def fail(path, **options):
        if path.name == "checkpoints":
            raise OSError(errno.EACCES, "Permission denied")
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", fail)
    assert tiny_run("run", stages="head:1@0.1").validation
    assert "checkpoints is of no use any more and stays" in caplog.text


def stop_after_save(monkeypatch, saves: int) -> None:
    """End the run right after the save, at an epoch's end, with this number."""
    original, count = stage_loop.StageLoop._save, iter(range(1000))

    def save(self, state):
        original(self, state)
        if not state.progress.step and next(count) == saves:
            raise errors.Interrupted(signal.SIGTERM)

    monkeypatch.setattr(stage_loop.StageLoop, "_save", save)


def test_a_callback_that_counts_epochs_goes_on_counting(tiny_run, monkeypatch):
    def impatient() -> list[keras.callbacks.Callback]:
        # Nothing is ever better by 10: it stops in the fifth epoch, and in each later.
        return [keras.callbacks.EarlyStopping("val_loss", min_delta=10, patience=4)]

    whole = tiny_run("whole", callbacks=impatient())
    assert [stage.epochs for stage in whole.stages] == [3, 2, 1]
    for stop, number in (stop_after, 12), (stop_after, 9), (stop_after_save, 0):
        with monkeypatch.context() as patch:
            stop(patch, number)
            with pytest.raises(errors.Interrupted, match="SIGTERM"):
                tiny_run("stopped", callbacks=impatient())
    resumed = tiny_run("stopped", callbacks=impatient())
    assert_same_run(whole.run_dir, resumed.run_dir)


def test_the_same_command_gives_the_same_weights(tiny_run, kept_run):
    assert_same_run(kept_run().run_dir, tiny_run("two").run_dir)


def test_another_seed_gives_other_weights(tiny_run, kept_run):
    one, two = kept_run(), tiny_run("two", seed=1)
    name = "layers/dense/vars/0"
    assert (
        kept_weights.read(one.run_dir)[name] != kept_weights.read(two.run_dir)[name]
    ).any()


def test_patience_ends_a_stage_and_the_next_one_begins(tiny_run):
    result = tiny_run("run", stages="head:50@1e-30,all:1", patience=2)
    assert [stage.epochs for stage in result.stages] == [3, 1]


def test_keras_callbacks_see_one_run(tiny_run):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, set(logs), float(self.model.optimizer.iterations)))

    tiny_run("run", callbacks=[Watch()])
    assert [epoch for epoch, _, _ in seen] == [*range(8)]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= seen[0][1]
    assert [iterations for _, _, iterations in seen] == [5, 10, 15, 5, 10, 15, 5, 10]


def test_a_callback_that_writes_to_frozen_weights_is_found_out(tiny_run):
    class Meddle(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel = self.model.get_layer("stem").kernel
            kernel.assign(kernel + 1e-7)

    with pytest.raises(freeze.FreezingError, match="stem/0/kernel"):
        tiny_run("run", callbacks=[Meddle()])


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(tiny_run, tmp_path):
    with pytest.raises(errors.NotFiniteError, match="step .* of stage 'all'.*too high"):
        tiny_run("run", stages="head:1,all:1@1e30")
    kept = kept_weights.read(tmp_path / "run")
    assert all(np.isfinite(value).all() for value in kept.values())


def test_recovery_halves_the_rate_until_the_loss_is_finite(tiny_run, caplog):
    # A step multiplies the weights by 1 - rate * decay, that is by -7, -3, -1: a rate
    # of 0.8 ends in infinity, and so does its half, a quarter does not.
    result = tiny_run(
        "run",
        stages="head:20@0.8",
        weight_decay=10.0,
        momentum=0.0,
        schedule="constant",
        warmup_fraction=0.0,
        on_nan="recover",
    )
    assert "Recovery 2 halves the rate" in caplog.text
    rates = [line["learning_rate"] for line in lines(result.run_dir)]
    assert rates[0] == pytest.approx(0.8)
    assert rates[-1] == pytest.approx(0.2)
    assert [line["epoch"] for line in lines(result.run_dir)] == [*range(1, 21)]


def test_recovery_gives_up_after_three_times(tiny_run):
    with pytest.raises(errors.TrainingError, match="So it was after 3 recoveries"):
        tiny_run("run", stages="head:1,all:1@1e30", on_nan="recover")


def test_a_stage_without_progress_warns(tiny_run, caplog):
    tiny_run("run", stages="head:1@1e-30")
    assert "did not move: logits/0/kernel" in caplog.text


def test_damaged_weights_are_found_before_the_run_counts_as_finished(
    tiny_run, monkeypatch
):
    original = BestWeights.write

    def write_and_damage(self):
        digests = original(self)
        path = self._context.run.best_weights
        with h5py.File(path, "r+") as file:
            file["layers/dense/vars/0"][0, 0] += 1e-3
        return digests

    monkeypatch.setattr(BestWeights, "write", write_and_damage)
    with pytest.raises(errors.TrainingError, match="does not hold the weights"):
        tiny_run("run")


@pytest.mark.parametrize("factor", [1.01, float("nan")])
def test_a_network_that_is_built_otherwise_the_second_time_is_found(
    tiny_run, monkeypatch, factor
):
    original, built = tiny.Task.network, []

    def network(self, **options):
        built.append(original(self, **options))
        first = built[-1]
        if len(built) == 1:
            return first
        scaled = keras.Model(first.model.input, first.model.output * factor)
        return dataclasses.replace(first, model=scaled)

    monkeypatch.setattr(tiny.Task, "network", network)
    with pytest.raises(errors.TrainingError, match="other outputs than the one that"):
        tiny_run("run", stages="head:1@0.1")
    assert len(built) == 2
