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
from kft.run_folder import seeds, spread
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
    preflight.check(
        config,
        also=[*CHECKS, lambda c: recipe.check(c, given)],
    )
    with signals.listening() as heard:
        finished, judged = _train(config, given, process_start)
    if heard.signal is not None:
        # It came when nothing was left to save.
        raise errors.Interrupted(
            heard.signal, "the run is finished. The same command does what follows."
        )
    workers = cluster.find(config, os.environ)
    if workers is None or workers.is_chief:
        after_training.finish(config, finished, judged, process_start=process_start)
        return
    # The run folder is the chief's; the exit code is that of all workers.
    problem = after_training.below_bar(config, judged)
    if problem is not None:
        raise problem


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
    mean = found.spread(VALIDATION + judged.name)
    value = None if mean is None else mean.mean
    return FinishedRun(found.best), dataclasses.replace(judged, value=value)
