"""A run from its checks to the last screen: what kft.train does."""

import dataclasses
import os
import time
from typing import TYPE_CHECKING

from kft import errors, exporters
from kft.cli import terminal
from kft.config import RunConfig
from kft.distribution import cluster
from kft.evaluation import accuracy_bar
from kft.evaluation.accuracy_bar import JudgedFigure
from kft.run_folder import folds, seeds, spread
from kft.run_folder.history import TEST, VALIDATION
from kft.training import preflight
from kft.training.auto import recipe
from kft.training.monitoring import signals
from kft.training.trackers import trackers

if TYPE_CHECKING:
    from kft.training.fine_tune_several import SeveralRuns
    from kft.training.kept_network import FinishedRun


def _check_export(config: RunConfig) -> None:
    """Check the formats that are written hours later.

    Raises:
        errors.ConfigError: for a format that does not exist or cannot be written here.
    """
    exporters.check(config.export)


# Of what this command does besides the run, for `preflight.check`.
CHECKS: tuple[preflight.Check, ...] = (
    _check_export,
    trackers.check,
    seeds.check,
    folds.check,
)


def run(
    config: RunConfig,
    given: frozenset[str] | None = None,
    *,
    process_start: float | None = None,
) -> None:
    """Train, export, and say what to do with the result.

    Args:
        config: the run.
        given: fields that `--recipe=auto` leaves as they are; see `fine_tune`.
        process_start: when this process began, in seconds as of `time.time`, where it
            does nothing but this run.
    """
    # Not before the flags are known to be right: it makes --help slow.
    from kft.workflows import after_training

    config = preflight.with_data_found(config)
    checks = [*CHECKS, lambda c: recipe.check(c, given)]
    if folds.are_wanted(config):
        folds.check(config)
        preflight.check(folds.configs(config)[0], also=checks)
        _cross_validate(config, given)
        return
    preflight.check(config, also=checks)
    with signals.listening() as heard:
        finished, judged = _train(config, given, process_start)
    _stop_if(heard)
    workers = cluster.find(config, os.environ)
    if workers is None or workers.is_chief:
        after_training.finish(config, finished, judged, process_start=process_start)
        return
    # The run folder is the chief's; the exit code is that of all workers.
    problem = after_training.below_bar(config, judged)
    if problem is not None:
        raise problem


def _stop_if(heard: signals.Signals) -> None:
    """Stop where a signal came when nothing was left to save; raises Interrupted."""
    if heard.signal is not None:
        raise errors.Interrupted(
            heard.signal, "the run is finished. The same command does what follows."
        )


def _cross_validate(config: RunConfig, given: frozenset[str] | None) -> None:
    """Make the runs of all folds, and say how well they do.

    Raises:
        errors.AccuracyError: where the mean is below the accuracy that was asked for.
    """
    from kft.evaluation.cross_validate import cross_validate
    from kft.workflows import after_training

    with signals.listening() as heard:
        found = cross_validate(config, given=given)
    _stop_if(heard)
    judged = accuracy_bar.judged_of(found.results[0])
    terminal.show("", f"{config.folds} folds, {found.folder / folds.FILE}")
    _show_spreads(found, judged)
    pooled = found.out_of_fold
    if pooled is not None:
        low, high = pooled.interval
        terminal.show(
            f"  all together   {pooled.accuracy:.4f} of {pooled.examples:,} examples "
            f"({low:.4f} to {high:.4f}), {found.folder / folds.TABLE}"
        )
    terminal.show(
        "Nothing is exported: folds judge the settings. The same command without "
        "--folds trains a network to serve."
    )
    problem = after_training.below_bar(config, mean_judged(found))
    if problem is not None:
        raise problem


def mean_judged(found: "SeveralRuns") -> JudgedFigure:
    """Return the figure to judge several runs by, with its mean over all of them."""
    judged = accuracy_bar.judged_of(found.results[0])
    mean = found.spread(VALIDATION + judged.name)
    value = None if mean is None else mean.mean
    return dataclasses.replace(judged, value=value)


def _show_spreads(found: "SeveralRuns", judged: JudgedFigure) -> None:
    for figure in (VALIDATION + judged.name, TEST + judged.name):
        found_spread = found.spread(figure)
        if found_spread is not None:
            terminal.show(f"  {figure:<14} {spread.text(found_spread)}")


def _train(
    config: RunConfig, given: frozenset[str] | None, process_start: float | None
) -> tuple["FinishedRun", JudgedFigure]:
    """Return the end of the run, and the figure to judge it by.

    Of several runs: say how far they lie apart, and return the best with their mean.
    """
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.training import fine_tune
    from kft.training import fine_tune_seeds as repeated
    from kft.training.kept_network import FinishedRun

    if config.repeats == 1:
        seconds = None if process_start is None else time.time() - process_start
        finished = fine_tune.finish(config, given=given, seconds_to_import=seconds)
        return finished, accuracy_bar.judged_of(finished.result)
    found = repeated.fine_tune(config, given=given)
    judged = accuracy_bar.judged_of(found.best)
    terminal.show("", f"{len(found.seeds)} seeds, {found.folder / seeds.FILE}")
    _show_spreads(found, judged)
    terminal.show("The best by validation:", "")
    # The best was chosen for being good; a bar is for what another seed would give.
    return FinishedRun(found.best), mean_judged(found)
