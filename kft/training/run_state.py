"""The position of a run: everything but the tensors, as a value that JSON can hold."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kft.run_folder.history import EpochRecord, StageResult
from kft.tasks.metric import Metric


@dataclasses.dataclass(frozen=True)
class Best:
    """The best weights so far, by the figure that selects, then by loss.

    Attributes:
        stage: index of the stage.
        epoch: index of the epoch within the stage; None before any training.
        validation: figures of these weights; empty where nothing validates: then the
            last weights are the best.
        averaged: the epochs, from 1, of whose weights they are the mean; () for those
            of an epoch.
    """

    stage: int
    epoch: int | None
    validation: Mapping[str, float]
    averaged: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """Return the epoch as people count, from 1; 0 before any training."""
        return 0 if self.epoch is None else self.epoch + 1

    def beats(self, other: "Best | None", monitor: Metric) -> bool:
        """Return whether these weights are to be kept instead of `other`."""
        if other is None or not self.validation or not other.validation:
            return True
        return monitor.rank(self.validation) > monitor.rank(other.validation)


@dataclasses.dataclass(frozen=True)
class EpochProgress:
    """How far the epoch under way is.

    Attributes:
        step: steps that are done.
        sums: the metric sums over them.
        seconds: time spent.
        input_seconds: of which waiting for input.
    """

    step: int = 0
    sums: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    input_seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class RunState:
    """The position in a run and what was recorded on the way.

    Attributes:
        stage: index of the stage under way.
        epoch: epochs of this stage that are done.
        progress: of the epoch under way.
        global_step: steps of the whole run that are done.
        stale_epochs: epochs of this stage since its best one.
        stage_best: best epoch of this stage, of those that trained.
        best: best epoch of the run; epoch 0, too, where it was scored.
        best_digests: of the weights in best.weights.h5.
        history: the lines of metrics.jsonl.
        stages: the stages that have ended.
        digests: `freeze.digests` at the start of this stage.
        stage_seconds: time spent in this stage.
        seconds: time spent in the run.
        recoveries: how often a loss that was not finite has halved the rates.
        callbacks: state of the Keras callbacks.
    """

    stage: int = 0
    epoch: int = 0
    progress: EpochProgress = EpochProgress()
    global_step: int = 0
    stale_epochs: int = 0
    stage_best: Best | None = None
    best: Best | None = None
    best_digests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    history: tuple[EpochRecord, ...] = ()
    stages: tuple[StageResult, ...] = ()
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    stage_seconds: float = 0.0
    seconds: float = 0.0
    recoveries: int = 0
    callbacks: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def rate_scale(self) -> float:
        """Return the factor on the learning rates."""
        return 0.5**self.recoveries

    @property
    def trained_epochs(self) -> int:
        """Return the epochs of the run that are done."""
        return sum(record.has_trained for record in self.history)


def with_untrained(state: RunState, record: EpochRecord) -> RunState:
    """Return the state of a run that begins with a network which is to be beaten.

    Patience does not count from it: training may have to make a network worse first.

    Args:
        state: before any training.
        record: epoch 0.
    """
    best = Best(state.stage, None, dict(record.validation))
    return dataclasses.replace(state, best=best, history=(*state.history, record))


def judge(
    state: RunState, validation: Mapping[str, float], monitor: Metric
) -> tuple[RunState, bool]:
    """Return the state with its best epochs, and whether this is the run's best.

    Args:
        state: at the end of an epoch, before it is counted.
        validation: figures of its weights; empty where nothing validates.
        monitor: the figure that selects.
    """
    now = Best(state.stage, state.epoch, dict(validation))
    gained = now.beats(state.stage_best, monitor)
    is_best = now.beats(state.best, monitor)
    state = dataclasses.replace(
        state,
        stage_best=now if gained else state.stage_best,
        stale_epochs=0 if gained else state.stale_epochs + 1,
        best=now if is_best else state.best,
    )
    return state, is_best


def to_dict(state: RunState) -> dict[str, Any]:
    """Return what `from_dict` turns into `state`."""
    return {
        **dataclasses.asdict(state),
        "history": [record.to_json() for record in state.history],
        "stages": [stage.to_json() for stage in state.stages],
    }


def from_dict(values: Mapping[str, Any]) -> RunState:
    """Return the state that `to_dict` was given.

    Raises:
        TypeError: where a name is unknown or missing.
        KeyError: where a record lacks one.
    """
    values = dict(values)
    for name in ("best", "stage_best"):
        if values[name] is not None:
            values[name] = _best(values[name])
    values["progress"] = EpochProgress(**values["progress"])
    values["history"] = tuple(map(EpochRecord.from_json, values["history"]))
    values["stages"] = tuple(map(StageResult.from_json, values["stages"]))
    return RunState(**values)


def _best(values: Mapping[str, Any]) -> Best:
    return Best(**{**values, "averaged": tuple(values.get("averaged", ()))})
