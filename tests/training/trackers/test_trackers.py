"""Where a run is tracked: what is refused, who tracks, and what the trackers get."""

import contextlib
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import pytest

from kft import errors
from kft.config import TrainConfig
from kft.training import preview
from kft.training.trackers import trackers
from kft.training.trackers.trackers import Tracker


class _Spy(keras.callbacks.Callback):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        rate = float(self.model.optimizer.learning_rate)
        self.heard.append(f"begin with a rate {'above' if rate > 0 else 'of'} 0")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.heard.append(f"epoch {epoch}: {', '.join(sorted(logs))}")


class _Stop(keras.callbacks.Callback):
    """Fails at the end of an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == self._epoch:
            raise InterruptedError


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> _Spy:
    """Return the callback of a tracker that is called `spy`."""
    callback = _Spy()

    @contextlib.contextmanager
    def track(context: object) -> Iterator[_Spy]:
        try:
            yield callback
        finally:
            callback.heard.append("end")

    module = types.SimpleNamespace(track=track)
    monkeypatch.setitem(sys.modules, "spy_tracker", module)
    monkeypatch.setitem(trackers.TRACKERS, "spy", Tracker("json", None, "spy_tracker"))
    return callback


def test_a_tracker_that_does_not_exist_is_named() -> None:
    with pytest.raises(errors.ConfigError, match="'wandbb'. Did you mean wandb"):
        trackers.check(TrainConfig(trackers=("tensorboard", "wandbb")))
    with pytest.raises(errors.ConfigError, match="twice"):
        trackers.check(TrainConfig(trackers=("tensorboard", "tensorboard")))


def test_a_package_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.ConfigError) as caught:
        trackers.check(TrainConfig(trackers=("wandb", "mlflow")))
    assert "(wandb, mlflow): pip install 'kft-keras[wandb,mlflow]'" in str(caught.value)


@pytest.mark.parametrize("is_chief", [True, False])
def test_only_the_chief_tracks(spy: _Spy, is_chief: bool) -> None:
    added = []
    context = types.SimpleNamespace(
        devices=types.SimpleNamespace(
            is_chief=is_chief, together=lambda what: contextlib.nullcontext()
        ),
        config=TrainConfig(trackers=("tensorboard", "spy")),
        callbacks=types.SimpleNamespace(add=added.append),
    )
    with trackers.tracking(context):
        pass
    assert added == ([spy] if is_chief else [])
    assert spy.heard == (["end"] if is_chief else [])


class _Workers:
    """The chief of several workers; remembers what the others heard."""

    is_chief = True

    def __init__(self) -> None:
        self.heard: list[str] = []

    @contextlib.contextmanager
    def together(self, what: str) -> Iterator[None]:
        try:
            yield
        except errors.KftError:
            self.heard.append(f"failed to {what}")
            raise


def test_the_other_workers_hear_that_the_chief_has_no_tracker_or_preview(
    spy: _Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise errors.DataError("no")

    devices = _Workers()
    config = TrainConfig(trackers=("spy",), preview=3)
    context = types.SimpleNamespace(devices=devices, config=config)
    monkeypatch.setattr(sys.modules["spy_tracker"], "track", fail)
    monkeypatch.setattr(preview, "first_inputs", fail)
    with pytest.raises(errors.DataError), trackers.tracking(context):
        pass
    with pytest.raises(errors.DataError):
        preview.write(context)
    assert devices.heard == [
        "failed to start the trackers",
        "failed to write the preview",
    ]


def test_a_tracker_hears_all_epochs_of_all_stages_and_begins_with_an_optimizer(
    tiny_run: Callable, spy: _Spy, tmp_path: Path
) -> None:
    tiny_run("run", trackers=("spy",), stages="head:2@0.1,all:1@0.01")
    names = "accuracy, learning_rate, loss, val_accuracy, val_loss"
    assert spy.heard == [
        "begin with a rate above 0",
        *(f"epoch {epoch}: {names}" for epoch in range(3)),
        "end",
    ]
    # TensorBoard was not asked for; metrics.jsonl is no tracker.
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert (tmp_path / "run" / "metrics.jsonl").is_file()


def _interrupted_and_continued(tiny_run: Callable, name: str) -> None:
    """Run with one tracker, fail in the second stage, and go on."""
    options = {"trackers": (name,), "stages": "head:2@0.1,all:3@0.01"}
    with pytest.raises(InterruptedError):
        tiny_run("run", callbacks=[_Stop(3)], **options)
    tiny_run("run", **options)


# Packages below these warn of each other.
@pytest.mark.filterwarnings("ignore")
def test_mlflow_has_one_run_with_all_epochs_also_after_a_stop(
    tiny_run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="pip install 'kft-keras[mlflow]'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    _interrupted_and_continued(tiny_run, "mlflow")
    import mlflow

    identifier = json.loads((tmp_path / "run" / "trackers.json").read_text())["mlflow"]
    run = mlflow.MlflowClient().get_run(identifier)
    assert run.info.status == "FINISHED"
    assert run.data.params["stages"] == "head:2@0.1,all:3@0.01"
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert run.data.metrics["best_val_accuracy"] == result["val_accuracy"]
    history = mlflow.MlflowClient().get_metric_history(identifier, "val_accuracy")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    last = {metric.step: metric.value for metric in history}
    assert last == {
        epoch: pytest.approx(json.loads(line)["val_accuracy"])
        for epoch, line in enumerate(lines)
    }


@pytest.mark.filterwarnings("ignore")
def test_wandb_has_one_name_for_a_run_that_was_stopped(
    tiny_run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="pip install 'kft-keras[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    _interrupted_and_continued(tiny_run, "wandb")
    import wandb

    # Its service writes the files, in a process of its own.
    wandb.teardown()
    identifier = json.loads((tmp_path / "run" / "trackers.json").read_text())["wandb"]
    folder = tmp_path / "run" / "wandb"
    first, second = (
        path.read_bytes()
        for path in sorted(folder.glob(f"offline-run-*/run-{identifier}.wandb"))
    )
    assert b"epoch/val_accuracy" in first and b"epoch/val_accuracy" in second
    # Only what has finished has final figures.
    assert b"best_val_accuracy" not in first and b"best_val_accuracy" in second
