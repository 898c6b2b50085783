"""A search from its config to the best settings."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator

from absl import logging

from kft import errors, tasks
from kft.config import RunConfig, SearchConfig
from kft.data.examples import Splits
from kft.run_folder import atomic_files, lock
from kft.search import (
    hparams,
    oracles,
    parallel,
    parse_space,
    results,
    search_dir,
    search_settings,
    trial_records,
    trials,
    tuner,
)
from kft.search.parallel import Role
from kft.search.parameters import Space
from kft.search.search_dir import SearchDir
from kft.search.trial_records import Record
from kft.tasks.metric import Metric
from kft.training.monitoring.progress import ConsoleReporter, Reporter
from kft.training.monitoring.signals import Signals
from kft.training.trackers import trackers


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a search has found.

    Attributes:
        search: its folder.
        space: what was searched.
        monitor: the figure of validation that the trials were compared by.
        records: how the trials ended, in the order of their numbers.
        best: the best of them.
        config: the best settings as a whole run, with a run folder of its own.
    """

    search: SearchDir
    space: Space
    monitor: Metric
    records: tuple[Record, ...]
    best: Record
    config: RunConfig


def run(
    config: SearchConfig,
    dimensions: Space,
    *,
    signals: Signals,
    reporter: Reporter | None = None,
) -> Outcome | None:
    """Search, and write down what was found; None for a worker of a parallel search.

    The same config on an unfinished search goes on with it, without running a trial
    again that has ended.

    Args:
        config: of the search, as `kft.search.check.check` returns it.
        dimensions: its space.
        signals: stop the search between two trials; a trial saves its state.
        reporter: shows one line per trial; by default on standard output.

    Raises:
        errors.ConfigError: for data without validation examples.
        errors.RunDirError: for a folder that another search uses, or began.
        errors.TrainingError: where no trial ends well.
        errors.KftError: for what is not the fault of a trial's values.
    """
    reporter = reporter or ConsoleReporter()
    role = parallel.find(os.environ)
    search = search_dir.at(config)
    splits = _splits(config)
    monitor = tasks.get(config.train_config(), splits.labels).objective.monitor
    search_dir.settle(search, config, splits.fingerprint)
    with _lock(search, role):
        if role.kind != "worker":
            if trackers.TENSORBOARD in config.trackers:
                hparams.write_space(search, dimensions, figure=monitor.name)
            reporter.say(_announce(search, config, role))
        own = trials.Trials(config, search, monitor=monitor, reporter=reporter)
        tuner.search(
            oracles.build(config, dimensions, monitor),
            config,
            state=search.oracle_json,
            role=role,
            run_trial=own.run,
            check=signals.check,
        )
        if role.kind == "worker":
            return None
        return _outcome(config, search, dimensions, monitor)


def discard_features(outcome: Outcome) -> None:
    """Remove the outputs of frozen trunks that the trials shared."""
    shutil.rmtree(outcome.search.features, ignore_errors=True)


def _splits(config: SearchConfig) -> Splits:
    """Return the data of a search, which has validation examples."""
    splits = tasks.load_splits(config)
    if splits.validation is None or not len(splits.validation):
        raise errors.ConfigError(
            "A search compares trials by validation examples, and "
            f"--dataset={config.dataset} has none: raise --validation_fraction."
        )
    return splits


@contextlib.contextmanager
def _lock(search: SearchDir, role: Role) -> Iterator[None]:
    """Hold the folder, unless a chief does."""
    if role.kind == "worker":
        yield
        return
    with lock.lock(search.lock_file, flag="--search_dir"):
        if role.kind == "alone":
            # With a chief, others may be writing.
            atomic_files.remove_leftovers(search.trials)
        yield


def _announce(search: SearchDir, config: SearchConfig, role: Role) -> str:
    if role.is_exposed:
        logging.warning(
            "%s can be reached from other machines, and keras-tuner asks nobody who "
            "they are.",
            role.address,
        )
    ended = len(trial_records.read_all(search))
    before = f", {ended} trials have ended before" if ended else ""
    return f"{config.tuner} search in {search.path}{before}: --space={config.space}"


def _outcome(
    config: SearchConfig, search: SearchDir, dimensions: Space, monitor: Metric
) -> Outcome:
    """Write what the trials have found, and return it."""
    found = trial_records.read_all(search)
    results.write(search, dimensions, found, monitor=monitor)
    best = trial_records.best(found, monitor)
    if best is None:
        raise errors.TrainingError(
            f"None of {len(found)} trials has finished; {search.trials_csv} says why."
        )
    winner = search_settings.apply(config.train_config(), best.values)
    winner = dataclasses.replace(winner, run_dir=str(search.winner(best.number)))
    flags = f"--tuner={config.tuner} --space={parse_space.format_space(dimensions)}"
    results.write_best(search, winner, best, monitor=monitor, flags=flags)
    return Outcome(search, dimensions, monitor, tuple(found), best, winner)
