"""A trial: a run of its own with other settings, and how it ended."""

import dataclasses
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kft import errors
from kft.config import RunConfig, SearchConfig
from kft.run_folder import history
from kft.run_folder.history import VALIDATION, EpochRecord
from kft.run_folder.run_dir import RunDir
from kft.search import hparams, pruning, search_settings, trial_records
from kft.search.search_dir import SearchDir
from kft.search.search_settings import Value
from kft.search.trial_records import Record, Status
from kft.tasks.metric import Metric
from kft.training import fine_tune
from kft.training.monitoring.progress import Reporter, SilentReporter
from kft.training.trackers import trackers

# What comes from the values of a trial; everything else would end the next one as well.
_OWN_FAULT = (errors.ConfigError, errors.TrainingError)
_NOT_ITS_FAULT = (errors.WorkerLostError,)
# Failures in a row, without a trial that ends well, after which it is no accident.
_MOST_FAILURES = 5
_MESSAGE_CHARACTERS = 2000


class PrunedError(Exception):
    """A trial that is not worth its last epochs."""


class Trials:
    """Runs trials in the folder of a search."""

    def __init__(
        self,
        config: SearchConfig,
        search: SearchDir,
        *,
        monitor: Metric,
        reporter: Reporter,
    ) -> None:
        """Run trials of a search.

        Args:
            config: of the search.
            search: its folder.
            monitor: the figure of validation that trials are compared by.
            reporter: gets a line for each trial.
        """
        self._config = config
        self._monitor = monitor
        self._base = trial_config(config, search)
        self._search = search
        self._reporter = reporter
        self._failures = 0

    def run(self, number: int, values: Mapping[str, Value], share: float) -> Record:
        """Run a trial, unless it has ended before, and return how it ended.

        Args:
            number: of the trial.
            values: of the settings that are searched.
            share: of the epochs of its stages that it gets, in (0, 1].

        Raises:
            errors.TrainingError: where nothing but failures came lately.
            errors.KftError: for what is not the fault of the values.
        """
        record = trial_records.read(self._search, number)
        if record is None:
            record = self._train(number, dict(values), share)
            trial_records.write(self._search, record, self._monitor)
            # A finished run needs none; a failed one is not gone on with.
            shutil.rmtree(
                self._search.trial(number) / "checkpoints", ignore_errors=True
            )
        self._reporter.say(describe(record, self._monitor))
        self._failures = self._failures + 1 if record.status == "failed" else 0
        if self._failures == _MOST_FAILURES:
            raise errors.TrainingError(
                f"{_MOST_FAILURES} trials in a row have failed, the last one with: "
                f"{record.message} Mend what they have in common, or search elsewhere."
            )
        return record

    def _train(self, number: int, values: dict[str, Value], share: float) -> Record:
        started = time.monotonic()
        folder = self._search.trial(number)
        status: Status = "finished"
        message = ""
        validation: Mapping[str, float] = {}
        test: Mapping[str, float] = {}
        # The graphs of the trial before.
        keras.utils.clear_session()
        try:
            config = search_settings.scaled(
                search_settings.apply(self._base, values), share
            )
            config = dataclasses.replace(config, run_dir=str(folder))
            stop = _MedianStop(
                lambda: curve(read_history(folder), self._monitor),
                search_settings.total_epochs(config),
                self._finished,
                higher_is_better=self._monitor.higher_is_better,
            )
            result = fine_tune.fine_tune(
                config,
                callbacks=[stop] if self._prunes() else [],
                reporter=SilentReporter(),
            )
            validation = self._of_interest(result.validation)
            test = _only(result.test, (self._monitor.name,))
        except PrunedError as error:
            status, message = "pruned", str(error)
            epochs = [record.validation for record in read_history(folder)]
            best = max(epochs, key=self._monitor.rank)
            validation = self._of_interest(best)
        except _NOT_ITS_FAULT:
            raise
        except _OWN_FAULT as error:
            status, message = "failed", _message(error)
        record = Record(
            number=number,
            status=status,
            values=values,
            share=share,
            validation=validation,
            test=test,
            epochs=sum(one.has_trained for one in read_history(folder)),
            seconds=round(time.monotonic() - started, 3),
            message=message,
        )
        if trackers.TENSORBOARD in self._config.trackers:
            hparams.write(self._search, record, figure=self._monitor.name)
        return record

    def _of_interest(self, validation: Mapping[str, float]) -> dict[str, float]:
        """Return what a trial is compared by: the figure, and on a tie the loss.

        Raises:
            errors.TrainingError: where it has no such figure.
        """
        if self._monitor.name not in validation:
            raise errors.TrainingError(
                f"The trial has no {VALIDATION}{self._monitor.name}, by which trials "
                f"are compared; it has {', '.join(validation) or 'no figures'}."
            )
        return _only(validation, (self._monitor.name, "loss"))

    def _prunes(self) -> bool:
        # The rounds of hyperband have trials of different lengths, and do the same.
        return self._config.prune == "median" and self._config.tuner != "hyperband"

    def _finished(self) -> list[list[float]]:
        """Return the curves of the trials that have finished, also by other workers."""
        return [
            curve(read_history(self._search.trial(record.number)), self._monitor)
            for record in trial_records.read_all(self._search)
            if record.status == "finished"
        ]


class _MedianStop(keras.callbacks.Callback):
    """Ends a run that the median stopping rule finds hopeless."""

    def __init__(
        self,
        own: Callable[[], Sequence[float]],
        epochs: int,
        finished: Callable[[], Sequence[Sequence[float]]],
        *,
        higher_is_better: bool,
    ) -> None:
        super().__init__()
        self._own = own
        self._epochs = epochs
        self._finished = finished
        self._higher_is_better = higher_is_better

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Raise PrunedError where the trial is hopeless."""
        # Out of the run folder, which has the epochs before a resume too.
        own, is_better = self._own(), self._higher_is_better
        if len(own) >= self._epochs:
            return
        if pruning.is_hopeless(
            own, self._epochs, self._finished(), higher_is_better=is_better
        ):
            side = "below" if is_better else "above"
            raise PrunedError(
                f"after {len(own)} of {self._epochs} epochs "
                f"{side} the median of the others"
            )


def trial_config(config: SearchConfig, search: SearchDir) -> RunConfig:
    """Return what all trials have in common.

    They share one folder of features, so that the trunk runs once for all trials that
    have the same one.
    """
    base = config.train_config()
    changes: dict[str, Any] = {"export": (), "repeats": 1}
    if base.cache_dir is None and base.feature_cache in ("auto", "disk"):
        changes["cache_dir"] = str(search.features.absolute())
    return dataclasses.replace(base, **changes)


def read_history(folder: Path) -> tuple[EpochRecord, ...]:
    """Return the epochs of a run folder, none where it has not come so far."""
    run = RunDir(folder)
    return history.read_records(run) if run.metrics_jsonl.is_file() else ()


def curve(epochs: Sequence[EpochRecord], monitor: Metric) -> list[float]:
    """Return the figure of validation after each epoch of training that has one."""
    found = (one.validation.get(monitor.name) for one in epochs if one.has_trained)
    return [value for value in found if value is not None]


def describe(record: Record, monitor: Metric) -> str:
    """Return a trial on one line, for a person."""
    if record.status == "failed":
        what = f"failed: {record.message.splitlines()[0]}"
    else:
        value = record.validation[monitor.name]
        what = f"{VALIDATION}{monitor.name} {value:{monitor.format}}"
    early = "  pruned" if record.status == "pruned" else ""
    return (
        f"trial {record.number}  {search_settings.format_values(record.values)}  "
        f"{what}{early}  {record.epochs} epochs  {record.seconds:.1f} s"
    )


def _only(figures: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {name: figures[name] for name in names if name in figures}


def _message(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:_MESSAGE_CHARACTERS]
