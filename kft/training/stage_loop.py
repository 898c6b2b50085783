"""The loop of one stage: epochs of steps, validation, best weights, saves."""

import dataclasses
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kft import errors
from kft.config import RunConfig
from kft.config.stages import Stage
from kft.training import optimizers
from kft.training import run_state as states
from kft.training.evaluator import Evaluator
from kft.training.monitoring.progress import EpochBar
from kft.training.outlets import Outlets
from kft.training.run_state import RunState
from kft.training.stage_setup import StageData
from kft.training.steps_per_call import StepsPerCall
from kft.training.train_step import StageStep

# A host call lasts about this long: short enough for the bar, for signals and for a
# save to come in time, long enough that its overhead (about 1 ms) does not show.
_SECONDS_PER_CALL = 0.25


class StageLoop:
    """Runs one stage from wherever its state stands to its end."""

    def __init__(
        self,
        config: RunConfig,
        stage: Stage,
        step: StageStep,
        scorer: Evaluator,
        *,
        data: StageData,
        outlets: Outlets,
        schedule: optimizers.StageSchedule,
    ) -> None:
        self._config = config
        self._stage = stage
        self._step = step
        self._scorer = scorer
        self._data = data
        self._outlets = outlets
        self._schedule = schedule
        self._pace = StepsPerCall(config.steps_per_execution, seconds=_SECONDS_PER_CALL)
        self._saved_at = time.monotonic()

    def run(self, state: RunState, keep_best: Callable[[], None]) -> RunState:
        """Train until the stage's last epoch, or until patience is at its end.

        Args:
            state: where the stage stands; its step may be within an epoch.
            keep_best: called while the model has the best weights so far.

        Raises:
            errors.Interrupted: after a signal; the state has been saved.
            errors.NotFiniteError: where the loss is not finite.
        """
        if self._ended(state):
            return state
        self._step.sums.reset()
        self._step.sums.write(state.sums)
        batches = iter(self._data.train(state.epoch, state.step))
        while not self._ended(state):
            state = self._epoch(state, batches)
            state = self._finish_epoch(state, keep_best)
            self._save(state)
        return state

    def _ended(self, state: RunState) -> bool:
        patience = self._config.patience
        return (
            state.epoch >= self._stage.epochs
            or (patience is not None and state.stale_epochs >= patience)
            or self._outlets.devices.any(self._outlets.callbacks.stop_training)
        )

    def _epoch(self, state: RunState, batches: Iterator) -> RunState:
        """Run the steps that are left of an epoch."""
        callbacks, steps = self._outlets.callbacks, self._data.steps_per_epoch
        title = f"{self._stage.unfreeze} {state.epoch + 1}/{self._stage.epochs}"
        if not state.step:
            callbacks.epoch_begin(len(state.history))
        with self._outlets.reporter.epoch(title, steps) as bar:
            while state.step < steps:
                count = min(self._pace.steps, steps - state.step)
                callbacks.batch_begin(state.step)
                state = self._call(state, batches, count)
                means = self._step.figures()
                self._show(bar, state, means)
                callbacks.batch_end(state.step - 1, means)
                self._listen(state)
        return state

    def _call(self, state: RunState, batches: Iterator, count: int) -> RunState:
        """Run `count` steps in one host call and choose the next call's count."""
        start = time.monotonic()
        chunk = self._step.train(batches, count)
        seconds = time.monotonic() - start
        if chunk.bad_step is not None:
            raise errors.NotFiniteError(self._bad_loss(state, chunk.bad_step))
        self._pace.steps = self._pace.fitting(count, seconds)
        self._outlets.startup.first_step_done()
        return dataclasses.replace(
            state,
            step=state.step + count,
            global_step=state.global_step + count,
            epoch_seconds=state.epoch_seconds + seconds,
            input_seconds=state.input_seconds + chunk.input_seconds,
        )

    def _bad_loss(self, state: RunState, bad_step: int) -> str:
        return (
            f"The loss is not finite at step {state.step + bad_step + 1} of epoch "
            f"{state.epoch + 1} of stage {self._stage.unfreeze!r}. The likely cause is "
            "a learning rate that is too high for this stage (--stages), a warm-up "
            "that is too short (--warmup_fraction), or float16 (--precision). "
            "--on_nan=recover would go back to the last save and halve the rate."
        )

    def _show(self, bar: EpochBar, state: RunState, means: Mapping[str, float]) -> None:
        seconds = max(state.epoch_seconds, 1e-9)
        examples = min(state.step * self._config.batch_size, self._data.train_examples)
        bar.update(state.step, {**means, "images_per_second": examples / seconds})

    def _listen(self, state: RunState) -> None:
        """Save when it is time to, or when a signal asks any worker for it."""
        minutes = (time.monotonic() - self._saved_at) / 60
        heard = self._outlets.devices.exchange(
            [
                self._outlets.interrupt.signal or 0,
                minutes >= self._config.checkpoint_minutes,
                self._pace.steps,
            ]
        )
        number = int(heard[:, 0].max())
        _, is_time, steps = heard[0]
        # All workers have to make as many.
        self._pace.steps = int(steps)
        if not number and not is_time:
            return
        state = dataclasses.replace(state, sums=self._step.sums.read())
        self._save(state)
        if number:
            raise errors.Interrupted(signal.Signals(number))

    def _save(self, state: RunState) -> None:
        self._outlets.save(state)
        self._saved_at = time.monotonic()

    def _finish_epoch(self, state: RunState, keep_best: Callable[[], None]) -> RunState:
        """Validate, keep the best, and write the line of the epoch."""
        start = time.monotonic()
        train = self._step.figures()
        self._step.swap_averages()
        try:
            validation = self._validate()
        except errors.Interrupted:
            self._step.swap_averages()
            self._save(dataclasses.replace(state, sums=self._step.sums.read()))
            raise
        if validation and not math.isfinite(validation["loss"]):
            # The last update of the epoch may be the one that went wrong.
            raise errors.NotFiniteError(self._bad_loss(state, -1))
        state, is_best = states.judge(state, validation)
        if is_best:
            keep_best()
        self._step.swap_averages()
        line = self._line(state, train, validation)
        seconds = state.epoch_seconds + time.monotonic() - start
        state = dataclasses.replace(
            state,
            epoch=state.epoch + 1,
            step=0,
            sums={},
            epoch_seconds=0.0,
            input_seconds=0.0,
            stage_seconds=state.stage_seconds + seconds,
            history=(*state.history, line),
        )
        self._step.sums.reset()
        self._outlets.recorder.append(state.history)
        self._outlets.reporter.done(line)
        self._outlets.callbacks.epoch_end(len(state.history) - 1, line)
        return dataclasses.replace(state, callbacks=self._outlets.callbacks.state())

    def _validate(self) -> Mapping[str, float] | None:
        if self._data.validation is None:
            return None
        batches, count = self._data.validation
        self._outlets.callbacks.test_begin()
        check = self._outlets.interrupt.check
        means = self._scorer.evaluate(batches, count, check=check)
        self._outlets.callbacks.test_end(means)
        return means

    def _line(
        self,
        state: RunState,
        train: Mapping[str, float],
        validation: Mapping[str, float] | None,
    ) -> dict[str, Any]:
        seconds = max(state.epoch_seconds, 1e-9)
        waited = round(min(state.input_seconds / seconds, 1.0), 4)
        return {
            "stage": self._stage.unfreeze,
            "epoch": state.epoch + 1,
            "epochs": self._stage.epochs,
            "step": state.global_step,
            "loss": train["loss"],
            "accuracy": train["accuracy"],
            "val_loss": validation["loss"] if validation else None,
            "val_accuracy": validation["accuracy"] if validation else None,
            "learning_rate": self._last_rate(state),
            "seconds": round(seconds, 3),
            "images_per_second": round(self._data.train_examples / seconds, 1),
            "input_wait_fraction": None if self._config.deterministic else waited,
        }

    def _last_rate(self, state: RunState) -> float:
        steps = state.epoch * self._data.steps_per_epoch + state.step
        return float(self._schedule(steps - 1))
