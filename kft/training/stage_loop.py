"""The loop of one stage: epochs of steps, validation, best weights, saves."""

import dataclasses
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kft import errors
from kft.config.stages import Stage
from kft.run_folder.history import EpochRecord
from kft.training import run_state as states
from kft.training.evaluator import Evaluator
from kft.training.monitoring.progress import EpochBar
from kft.training.run_context import RunContext
from kft.training.run_state import EpochProgress, RunState
from kft.training.stage_setup import StageData, StageTraining
from kft.training.steps_per_call import StepsPerCall

# A host call lasts about this long: short enough for the bar, for signals and for a
# save to come in time, long enough that its overhead (about 1 ms) does not show.
_SECONDS_PER_CALL = 0.25
Keep = Callable[[RunState, Mapping[str, float], bool], None]


class StageLoop:
    """Runs one stage from wherever its state stands to its end."""

    def __init__(
        self,
        context: RunContext,
        stage: Stage,
        *,
        training: StageTraining,
        evaluator: Evaluator,
        data: StageData,
        save: Callable[[RunState], None],
    ) -> None:
        """Put a loop together.

        Args:
            context: the run.
            stage: what trains, for how many epochs.
            training: the steps, and the schedule of their learning rate.
            evaluator: of what the stage trains.
            data: the batches.
            save: writes a checkpoint of a state.
        """
        self._config = context.config
        self._monitor = context.task.objective.monitor
        self._devices = context.devices
        self._io = context.io
        self._callbacks = context.callbacks
        self._stage = stage
        self._step = training.step
        self._evaluator = evaluator
        self._data = data
        self._schedule = training.schedule
        self._write = save
        self._pace = StepsPerCall(
            context.config.steps_per_execution, seconds=_SECONDS_PER_CALL
        )
        self._saved_at = time.monotonic()

    def score_untrained(
        self, state: RunState, keep_best: Callable[[], None]
    ) -> RunState:
        """Return the state with epoch 0: the network as it came, validated.

        Nothing changes where nothing validates. Callbacks do not hear of it: it is no
        epoch of training.

        Args:
            state: before any training.
            keep_best: called while the model has the weights that it came with.

        Raises:
            errors.Interrupted: after a signal; nothing has been saved.
            errors.TrainingError: where the loss is not finite.
        """
        start = time.monotonic()
        validation = self.figures()
        if not validation:
            return state
        if not math.isfinite(validation["loss"]):
            raise errors.TrainingError(
                f"The loss of validation is {validation['loss']} before any training: "
                "expected a finite one of pretrained weights. They may be damaged "
                "(--weights), or need more than float16 (--precision)."
            )
        keep_best()
        record = EpochRecord.untrained(
            stage=self._stage.unfreeze,
            epochs=self._stage.epochs,
            validation=validation,
        )
        state = states.with_untrained(state, record)
        self._io.recorder.append(state.history)
        self._io.reporter.done(record, is_best=True)
        seconds = state.stage_seconds + time.monotonic() - start
        return dataclasses.replace(state, stage_seconds=seconds)

    def run(self, state: RunState, keep: Keep) -> RunState:
        """Train until the stage's last epoch, or until patience is at its end.

        Args:
            state: where the stage stands; its step may be within an epoch.
            keep: called at the end of each epoch, while the model has the weights that
                were validated, with the state before the epoch is counted, their
                figures, and whether they are the best so far.

        Raises:
            errors.Interrupted: after a signal; the state has been saved.
            errors.NotFiniteError: where the loss is not finite.
        """
        if self._ended(state):
            return state
        self._step.sums.reset()
        self._step.sums.write(state.progress.sums)
        batches = iter(self._data.train(state.epoch, state.progress.step))
        while not self._ended(state):
            state = self._epoch(state, batches)
            state = self._finish_epoch(state, keep)
            self._save(state)
        return state

    def _ended(self, state: RunState) -> bool:
        patience = self._config.patience
        return (
            state.epoch >= self._stage.epochs
            or (patience is not None and state.stale_epochs >= patience)
            or self._devices.any(self._callbacks.stop_training)
        )

    def _epoch(self, state: RunState, batches: Iterator[Any]) -> RunState:
        """Run the steps that are left of an epoch."""
        callbacks, steps = self._callbacks, self._data.steps_per_epoch
        title = f"{self._stage.unfreeze} {state.epoch + 1}/{self._stage.epochs}"
        if not state.progress.step:
            callbacks.epoch_begin(state.trained_epochs)
        with self._io.reporter.epoch(title, steps) as bar:
            while state.progress.step < steps:
                step = state.progress.step
                count = min(self._pace.steps, steps - step)
                callbacks.batch_begin(step)
                state = self._call(state, batches, count)
                figures = self._step.figures()
                self._show(bar, state, figures)
                callbacks.batch_end(state.progress.step - 1, figures)
                self._listen(state)
        return state

    def _call(self, state: RunState, batches: Iterator[Any], count: int) -> RunState:
        """Run `count` steps in one host call and choose the next call's count."""
        start = time.monotonic()
        chunk = self._step.train(batches, count)
        seconds = time.monotonic() - start
        if chunk.bad_step is not None:
            raise errors.NotFiniteError(self._bad_loss(state, chunk.bad_step))
        self._pace.steps = self._pace.fitting(count, seconds)
        self._io.startup.first_step_done()
        return dataclasses.replace(
            state,
            global_step=state.global_step + count,
            progress=dataclasses.replace(
                state.progress,
                step=state.progress.step + count,
                seconds=state.progress.seconds + seconds,
                input_seconds=state.progress.input_seconds + chunk.input_seconds,
            ),
        )

    def _bad_loss(self, state: RunState, bad_step: int) -> str:
        return (
            f"The loss is not finite at step {state.progress.step + bad_step + 1} of "
            f"epoch {state.epoch + 1} of stage {self._stage.unfreeze!r}. The likely "
            "cause is "
            "a learning rate that is too high for this stage (--stages), a warm-up "
            "that is too short (--warmup_fraction), or float16 (--precision). "
            "--on_nan=recover would go back to the last save and halve the rate."
        )

    def _show(
        self, bar: EpochBar, state: RunState, figures: Mapping[str, float]
    ) -> None:
        progress = state.progress
        seen = progress.step * self._config.settled_batch_size
        examples = min(seen, self._data.train_examples)
        speed = examples / max(progress.seconds, 1e-9)
        bar.update(progress.step, {**figures, "examples_per_second": speed})

    def _listen(self, state: RunState) -> None:
        """Save when it is time to, or when a signal asks any worker for it."""
        minutes = (time.monotonic() - self._saved_at) / 60
        heard = self._devices.exchange(
            [
                self._io.signals.signal or 0,
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
        self._save(self._with_sums(state))
        if number:
            raise errors.Interrupted(signal.Signals(number))

    def _with_sums(self, state: RunState) -> RunState:
        """Return the state with the sums of the epoch so far."""
        progress = dataclasses.replace(state.progress, sums=self._step.sums.read())
        return dataclasses.replace(state, progress=progress)

    def _save(self, state: RunState) -> None:
        self._write(state)
        self._saved_at = time.monotonic()

    def _finish_epoch(self, state: RunState, keep: Keep) -> RunState:
        """Validate, keep the best, and write the line of the epoch."""
        start = time.monotonic()
        train = self._step.figures()
        self._step.swap_averages()
        try:
            validation = self._validate()
        except errors.Interrupted:
            self._step.swap_averages()
            self._save(self._with_sums(state))
            raise
        if validation and not math.isfinite(validation["loss"]):
            # The last update of the epoch may be the one that went wrong.
            raise errors.NotFiniteError(self._bad_loss(state, -1))
        state, is_best = states.judge(state, validation, self._monitor)
        keep(state, validation, is_best)
        self._step.swap_averages()
        record = self._record(state, train, validation)
        seconds = state.progress.seconds + time.monotonic() - start
        state = dataclasses.replace(
            state,
            epoch=state.epoch + 1,
            progress=EpochProgress(),
            stage_seconds=state.stage_seconds + seconds,
            history=(*state.history, record),
        )
        self._step.sums.reset()
        self._io.recorder.append(state.history)
        self._io.reporter.done(record, is_best=is_best)
        self._callbacks.epoch_end(state.trained_epochs - 1, record)
        return dataclasses.replace(state, callbacks=self._callbacks.state())

    def _validate(self) -> Mapping[str, float]:
        if self._data.validation is None:
            return {}
        self._callbacks.test_begin()
        figures = self.figures()
        self._callbacks.test_end(figures)
        return figures

    def figures(self) -> Mapping[str, float]:
        """Return the figures of validation, empty where nothing validates.

        Raises:
            errors.Interrupted: after a signal.
        """
        if self._data.validation is None:
            return {}
        batches, count = self._data.validation
        check = self._io.signals.check
        return self._evaluator.evaluate(batches, count, check=check)

    def _record(
        self,
        state: RunState,
        train: Mapping[str, float],
        validation: Mapping[str, float],
    ) -> EpochRecord:
        seconds = max(state.progress.seconds, 1e-9)
        waited = round(min(state.progress.input_seconds / seconds, 1.0), 4)
        return EpochRecord(
            stage=self._stage.unfreeze,
            epoch=state.epoch + 1,
            epochs=self._stage.epochs,
            step=state.global_step,
            train=dict(train),
            validation=dict(validation),
            learning_rate=self._last_rate(state),
            seconds=round(seconds, 3),
            examples_per_second=round(self._data.train_examples / seconds, 1),
            input_wait_fraction=None if self._config.deterministic else waited,
        )

    def _last_rate(self, state: RunState) -> float:
        steps = state.epoch * self._data.steps_per_epoch + state.progress.step
        return float(self._schedule(steps - 1))
