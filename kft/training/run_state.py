"""Where a run is: everything but the tensors, as a value that JSON can hold."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Best:
    """The best weights so far, by validation accuracy, then by loss.

    Attributes:
        stage: index of the stage.
        epoch: index of the epoch within the stage.
        val_accuracy: in [0, 1]; None where nothing validates: then the last is best.
        val_loss: mean cross entropy in nats; None likewise.
    """

    stage: int
    epoch: int
    val_accuracy: float | None
    val_loss: float | None

    def beats(self, other: "Best | None") -> bool:
        """Return whether these weights are to be kept instead of `other`."""
        if other is None or self.val_accuracy is None or other.val_accuracy is None:
            return True
        mine, theirs = (
            (best.val_accuracy, -(best.val_loss or 0.0)) for best in (self, other)
        )
        return mine > theirs


@dataclasses.dataclass(frozen=True)
class RunState:
    """The position in a run and what was recorded on the way.

    Attributes:
        stage: index of the stage under way.
        epoch: epochs of this stage that are done.
        step: steps of the current epoch that are done.
        global_step: steps of the whole run that are done.
        stale_epochs: epochs of this stage since its best one.
        stage_best: best epoch of this stage.
        best: best epoch of the run.
        best_digests: of the weights in best.weights.h5.
        history: the lines of metrics.jsonl.
        stages: the finished stages, as in result.json.
        digests: `freeze.digests` at the start of this stage.
        sums: the metric sums of the current epoch.
        epoch_seconds: time spent in the current epoch.
        input_seconds: of which waiting for input.
        stage_seconds: time spent in this stage.
        seconds: time spent in the run.
        recoveries: how often a loss that was not finite has halved the rates.
        callbacks: state of the Keras callbacks.
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    global_step: int = 0
    stale_epochs: int = 0
    stage_best: Best | None = None
    best: Best | None = None
    best_digests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    stages: tuple[Mapping[str, Any], ...] = ()
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sums: Mapping[str, float] = dataclasses.field(default_factory=dict)
    epoch_seconds: float = 0.0
    input_seconds: float = 0.0
    stage_seconds: float = 0.0
    seconds: float = 0.0
    recoveries: int = 0
    callbacks: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def rate_scale(self) -> float:
        """Return the factor on the learning rates."""
        return 0.5**self.recoveries


def judge(
    state: RunState, validation: Mapping[str, float] | None
) -> tuple[RunState, bool]:
    """Return the state with its best epochs, and whether this is the run's best.

    Args:
        state: at the end of an epoch, before it is counted.
        validation: loss and accuracy of its weights; None where nothing validates.
    """
    now = Best(
        stage=state.stage,
        epoch=state.epoch,
        val_accuracy=validation["accuracy"] if validation else None,
        val_loss=validation["loss"] if validation else None,
    )
    gained, is_best = now.beats(state.stage_best), now.beats(state.best)
    state = dataclasses.replace(
        state,
        stage_best=now if gained else state.stage_best,
        stale_epochs=0 if gained else state.stale_epochs + 1,
        best=now if is_best else state.best,
    )
    return state, is_best


def to_dict(state: RunState) -> dict[str, Any]:
    """Return what `from_dict` turns into `state`."""
    return dataclasses.asdict(state)


def from_dict(values: Mapping[str, Any]) -> RunState:
    """Return the state that `to_dict` was given.

    Raises:
        TypeError: where a name is unknown or missing.
    """
    values = dict(values)
    for name in ("best", "stage_best"):
        if values[name] is not None:
            values[name] = Best(**values[name])
    for name in ("history", "stages"):
        values[name] = tuple(values[name])
    return RunState(**values)
