"""The mean of the weights of epochs: which they are, and that it has to be better."""

import dataclasses
import signal
import types

import keras
import numpy as np
import pytest

from kft import errors
from kft.config.averaging import Averaging
from kft.model import network
from kft.run_folder.history import EpochRecord
from kft.tasks.metric import Metric
from kft.training import checkpoints, run_state, weight_average
from kft.training.best_weights import BestWeights
from kft.training.run_state import Best, RunState
from kft.training.weight_average import EpochWeights
from tests import kept_weights
from tests.training.test_fine_tune import assert_same_run, run_until

MONITOR = Metric("closeness", higher_is_better=True)


class _Stage:
    """A stage whose one kernel is set by hand, judged by how close it is to a goal.

    Attributes:
        said: what people are told.
    """

    def __init__(self, averaging: Averaging, goal: float) -> None:
        self.goal, self.said = goal, []
        self.model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
        )
        (self.path,) = network.stable_paths(self.model)
        context = types.SimpleNamespace(
            task=types.SimpleNamespace(
                objective=types.SimpleNamespace(monitor=MONITOR)
            ),
            io=types.SimpleNamespace(
                reporter=types.SimpleNamespace(say=self.said.append)
            ),
            network=types.SimpleNamespace(model=self.model),
        )
        self.epochs = EpochWeights(context, [self.path], averaging)
        self.best = BestWeights(context, [self.path])
        self.state = RunState()

    @property
    def kernel(self) -> float:
        """Return the one weight."""
        return float(self.model.weights[0].numpy()[0, 0])

    def validate(self) -> dict[str, float]:
        """Return the figures of the weight that the model has."""
        distance = abs(self.kernel - self.goal)
        return {"closeness": -distance, "loss": distance}

    def train(self, *kernels: float) -> None:
        """Let an epoch end with each of these weights."""
        for kernel in kernels:
            self.model.weights[0].assign([[kernel]])
            figures = self.validate()
            state, is_best = run_state.judge(self.state, figures, MONITOR)
            if is_best:
                self.best.keep()
            self.epochs.keep(state, figures)
            record = dataclasses.replace(
                EpochRecord.untrained(stage="head", epochs=9, validation=figures),
                epoch=state.epoch + 1,
            )
            self.state = dataclasses.replace(
                state, epoch=state.epoch + 1, history=(*state.history, record)
            )

    def end(self) -> RunState:
        """Try the mean; return the state after it."""
        return self.epochs.try_mean(
            self.state, validate=self.validate, keep_best=self.best.keep
        )

    def kept(self) -> float:
        """Return the weight that is kept as the best."""
        (value,) = self.best.arrays().values()
        return float(value[0, 0])


def test_the_mean_of_the_last_epochs_is_kept_where_it_is_better():
    stage = _Stage(Averaging("last", 2), goal=2.0)
    stage.train(7.0, 1.0, 3.5)
    state = stage.end()
    assert stage.kept() == 2.25
    assert state.best == state.stage_best
    assert state.best.averaged == (2, 3)
    assert state.best.epoch == 1
    assert state.best.validation == {"closeness": -0.25, "loss": 0.25}
    # The next stage goes on from the last epoch.
    assert stage.kernel == 3.5
    assert stage.said == [
        "The mean of the weights of epochs 2, 3 has closeness -0.2500, the best epoch "
        "-1.0000: kept."
    ]


def test_a_mean_that_is_no_better_changes_nothing():
    stage = _Stage(Averaging("last", 3), goal=1.0)
    stage.train(7.0, 1.5, 3.0)
    assert stage.end() == stage.state
    assert (stage.kept(), stage.kernel) == (1.5, 3.0)
    assert stage.said == [
        "The mean of the weights of epochs 1, 2, 3 has closeness -2.8333, the best "
        "epoch -0.5000: not kept."
    ]


def test_best_epochs_are_added_where_they_make_it_better():
    stage = _Stage(Averaging("best", 3), goal=10.0)
    # In order of closeness 9.0, 11.5, 8.0; the mean of the first two is 10.25, that of
    # all three 9.5.
    stage.train(50.0, 8.0, 11.5, 9.0, -3.0)
    state = stage.end()
    assert state.best.averaged == (3, 4)
    assert stage.kept() == 10.25


def test_best_epochs_that_harm_each_other_are_left_out():
    stage = _Stage(Averaging("best", 3), goal=10.0)
    # 12.5 would move the mean further away, 7.5 closer.
    stage.train(12.5, 11.0, 7.5)
    state = stage.end()
    assert state.best.averaged == (2, 3)
    assert stage.kept() == 9.25


def test_no_epoch_that_helps_is_said():
    stage = _Stage(Averaging("best", 2), goal=10.0)
    stage.train(10.5, 11.0)
    assert stage.end() == stage.state
    assert stage.said == ["No mean of the weights of several epochs validates better."]


def test_a_mean_that_is_best_of_its_stage_alone_is_not_kept():
    stage = _Stage(Averaging("last", 2), goal=10.0)
    before = Best(0, 3, {"closeness": -0.1, "loss": 0.1})
    stage.state = dataclasses.replace(stage.state, stage=1, best=before)
    stage.train(9.0, 11.5)
    state = stage.end()
    assert state.best == before
    assert state.stage_best.averaged == (1, 2)
    assert not stage.best.arrays()


def test_a_figure_that_is_no_number_is_not_better():
    stage = _Stage(Averaging("last", 2), goal=10.0)
    stage.train(9.0, 11.5)
    stage.goal = float("nan")
    assert stage.end() == stage.state
    assert stage.kept() == 9.0


def test_one_epoch_has_no_mean():
    stage = _Stage(Averaging("last", 2), goal=10.0)
    stage.train(9.0)
    assert stage.end() == stage.state
    assert not stage.said


def test_candidates_go_through_a_checkpoint():
    first = _Stage(Averaging("last", 2), goal=2.0)
    first.train(7.0, 1.0)
    second = _Stage(Averaging("last", 2), goal=2.0)
    arrays = {**first.best.arrays(), **first.epochs.arrays(), "model/x": np.ones(1)}
    second.best.restore(arrays)
    second.epochs.restore(arrays)
    second.state = run_state.from_dict(run_state.to_dict(first.state))
    second.train(3.5)
    state = second.end()
    assert state.best.averaged == (2, 3)
    assert second.kept() == 2.25
    assert run_state.from_dict(run_state.to_dict(state)) == state


def test_counters_are_those_of_the_last_epoch():
    stage = _Stage(Averaging("last", 2), goal=2.0)
    counter = keras.Variable(np.zeros(1), dtype="int32", name="counter")
    stage.epochs._weights._paths["counter"] = counter
    stage.epochs._weights._names += ("counter",)
    for count, kernel in enumerate((1.0, 3.5), start=1):
        counter.assign([count])
        stage.train(kernel)
    seen = []
    stage.epochs.try_mean(
        stage.state,
        validate=lambda: seen.append(int(counter.numpy()[0])) or stage.validate(),
        keep_best=stage.best.keep,
    )
    assert seen == [2]


# A rate at which the weights swing, so that their mean is better than each of them.
SWINGING = {
    "stages": "head:3@3.0,block_3:3@0.3",
    "schedule": "constant",
    "momentum": 0.0,
}


def _kernels(monkeypatch) -> list[np.ndarray]:
    """Return a list that gets the kernel of the head as each epoch ends."""
    seen, keep = [], EpochWeights.keep

    def watching(self, state, validation):
        keep(self, state, validation)
        seen.extend(value for value in self._weights.now().values() if value.ndim == 2)

    monkeypatch.setattr(EpochWeights, "keep", watching)
    return seen


def test_a_run_keeps_the_mean_of_its_epochs(tiny_run, monkeypatch):
    seen = _kernels(monkeypatch)
    result = tiny_run("run", average="last:2", **{**SWINGING, "stages": "head:3@3.0"})
    (stage,) = result.stages
    assert stage.averaged_epochs == (2, 3)
    kept = kept_weights.read(result.run_dir)
    mean = np.mean(seen[1:], axis=0, dtype=np.float64)
    np.testing.assert_array_equal(kept["layers/dense/vars/0"], mean.astype(np.float32))
    assert result.val_loss < min(one.validation["loss"] for one in result.history)
    assert result.validation == pytest.approx(dict(stage.validation), abs=1e-6)


@pytest.mark.parametrize("average", ["last:3", "best:3"])
def test_a_run_goes_on_bit_by_bit_with_its_candidates(tiny_run, monkeypatch, average):
    changes = {"average": average, **SWINGING}
    whole = tiny_run("whole", **changes)
    for calls in (8, 13, 5):
        run_until(monkeypatch, calls, lambda: tiny_run("stopped", **changes))
    resumed = tiny_run("stopped", **changes)
    assert_same_run(whole.run_dir, resumed.run_dir)
    assert whole.stages[0].averaged_epochs == resumed.stages[0].averaged_epochs
    assert whole.stages[0].averaged_epochs == (1, 2, 3)


def test_a_signal_while_the_mean_is_measured_loses_nothing(tiny_run, monkeypatch):
    changes = {"average": "last:3", **SWINGING}
    whole = tiny_run("whole", **changes)

    def interrupted(self, *args, **kwargs):
        self._assign_mean(list(self._kept))
        raise errors.Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(weight_average.EpochWeights, "try_mean", interrupted)
        with pytest.raises(errors.Interrupted):
            tiny_run("stopped", **changes)
    assert_same_run(whole.run_dir, tiny_run("stopped", **changes).run_dir)


def test_without_the_flag_no_checkpoint_has_candidates(tiny_run, monkeypatch, tmp_path):
    saved, save = [], checkpoints.save

    def watching(run, snapshot, **versions):
        saved.extend(snapshot.arrays)
        return save(run, snapshot, **versions)

    monkeypatch.setattr(checkpoints, "save", watching)
    tiny_run("run", stages="head:2@0.1")
    assert saved
    assert not [name for name in saved if name.startswith(checkpoints.EPOCH)]
