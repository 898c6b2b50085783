"""A search from its config to the best settings."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator

from absl import logging

from kft import errors, tasks
from kft.config import RunConfig, SearchConfig
from kft.run_folder import atomic_files, lock
from kft.search import (
    hparams,
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
from kft.training.monitoring.progress import ConsoleReporter, Reporter
from kft.training.monitoring.signals import Signals
from kft.training.trackers import trackers


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a search has found.

    Attributes:
        search: its folder.
        space: what was searched.
        records: how the trials ended, in the order of their numbers.
        best: the best of them.
        config: the best settings as a whole run, with a run folder of its own.
    """

    search: SearchDir
    space: Space
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
    search_dir.settle(search, config, _fingerprint(config))
    with _lock(search, role):
        if role.kind != "worker":
            if trackers.TENSORBOARD in config.trackers:
                hparams.write_space(search, dimensions)
            reporter.say(_announce(search, config, role))
        tuner.search(
            config,
            dimensions,
            state=search.oracle_json,
            role=role,
            run_trial=trials.Trials(config, search, reporter=reporter).run,
            check=signals.check,
        )
        return None if role.kind == "worker" else _outcome(config, search, dimensions)


def discard_features(outcome: Outcome) -> None:
    """Remove the outputs of frozen trunks that the trials shared."""
    shutil.rmtree(outcome.search.features, ignore_errors=True)


def _fingerprint(config: SearchConfig) -> str:
    splits = tasks.load_splits(config)
    if splits.validation is None or not len(splits.validation):
        raise errors.ConfigError(
            f"A search compares validation accuracies, and --dataset={config.dataset} "
            "has no validation examples: raise --validation_fraction."
        )
    return splits.fingerprint


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


def _outcome(config: SearchConfig, search: SearchDir, dimensions: Space) -> Outcome:
    """Write what the trials have found, and return it."""
    found = trial_records.read_all(search)
    results.write(search, dimensions, found)
    best = trial_records.best(found)
    if best is None:
        raise errors.TrainingError(
            f"None of {len(found)} trials has finished; {search.trials_csv} says why."
        )
    winner = search_settings.apply(config.train_config(), best.values)
    winner = dataclasses.replace(winner, run_dir=str(search.winner(best.number)))
    flags = f"--tuner={config.tuner} --space={parse_space.format_space(dimensions)}"
    results.write_best(search, winner, best, flags=flags)
    return Outcome(search, dimensions, tuple(found), best, winner)
