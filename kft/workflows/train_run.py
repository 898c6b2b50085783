"""A run from its checks to the last screen: what kft.train does."""

import os
import time
from typing import TYPE_CHECKING

from kft import exporters
from kft.config import RunConfig
from kft.distribution import cluster
from kft.run_folder import seeds
from kft.training import preflight
from kft.training.auto import recipe
from kft.training.monitoring import signals
from kft.training.trackers import trackers

if TYPE_CHECKING:
    from kft.run_folder.run_result import RunResult


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

    preflight.check(
        config,
        also=[*CHECKS, lambda c: recipe.check(c, given)],
    )
    with signals.listening():
        result, accuracy = _train(config, given, process_start)
    workers = cluster.find(config, os.environ)
    if workers is None or workers.is_chief:
        after_training.finish(config, result, accuracy)
        return
    # The run folder is the chief's; the exit code is that of all workers.
    problem = after_training.below_bar(config, accuracy)
    if problem is not None:
        raise problem


def _train(
    config: RunConfig, given: frozenset[str] | None, process_start: float | None
) -> tuple["RunResult", float | None]:
    """Return the result of the run, and the validation accuracy to judge it by.

    Of several runs: say how far they lie apart, and return the best with their mean.
    """
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.training import fine_tune
    from kft.training import fine_tune_seeds as repeated

    if config.repeats == 1:
        seconds = None if process_start is None else time.time() - process_start
        result = fine_tune.fine_tune(config, given=given, seconds_to_import=seconds)
        return result, result.val_accuracy
    found = repeated.fine_tune(config, given=given)
    print(f"\n{len(found.seeds)} seeds, {found.folder / seeds.FILE}")
    for figure in ("val_accuracy", "test_accuracy"):
        spread = found.spread(figure)
        if spread is not None:
            print(f"  {figure:<14} {seeds.text(spread)}")
    print("The best by validation:\n")
    # The best was chosen for being high; a bar is for what another seed would give.
    mean = found.spread("val_accuracy")
    return found.best, None if mean is None else mean.mean
