"""`--repeats`: where the runs of several seeds are, and how far they lie apart."""

import dataclasses
import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from kft import errors
from kft.config import RunConfig
from kft.distribution import cluster
from kft.run_folder import run_dir

FILE = "repeats.json"


@dataclasses.dataclass(frozen=True)
class Spread:
    """How far figures lie apart.

    Attributes:
        mean: of the figures.
        lowest: of them.
        highest: of them.
        standard_deviation: of the population that they are a sample of (n - 1); None of
            a single figure.
    """

    mean: float
    lowest: float
    highest: float
    standard_deviation: float | None


def spread(figures: Sequence[float | None]) -> Spread | None:
    """Return the spread of figures; None where there are none, or one is missing."""
    known = [figure for figure in figures if figure is not None]
    if not known or len(known) < len(figures):
        return None
    return Spread(
        mean=statistics.fmean(known),
        lowest=min(known),
        highest=max(known),
        standard_deviation=statistics.stdev(known) if len(known) > 1 else None,
    )


def text(spread: Spread) -> str:
    """Return a spread as a person reads it."""
    words = f"mean {spread.mean:.4f}, {spread.lowest:.4f} to {spread.highest:.4f}"
    if spread.standard_deviation is not None:
        words += f", standard deviation {spread.standard_deviation:.4f}"
    return words


def folder(config: RunConfig) -> Path:
    """Return the folder that holds the folders of all runs."""
    return run_dir.of(config).path


def configs(config: RunConfig) -> tuple[RunConfig, ...]:
    """Return the config of each run: the seeds from `seed` on, a folder for each.

    A folder is named after its seed, so that a run is the same whatever `repeats` is: a
    higher number goes on with what is there.

    Raises:
        errors.ConfigError: where there are not so many seeds.
    """
    seeds = range(config.seed, config.seed + config.repeats)
    return tuple(
        dataclasses.replace(
            config, repeats=1, seed=seed, run_dir=str(folder(config) / f"seed{seed}")
        )
        for seed in seeds
    )


def check(config: RunConfig) -> None:
    """Check what can be known of several runs without TensorFlow.

    Raises:
        errors.ConfigError: for seeds that are too high, several workers, or a batch
            that each run would choose for itself.
        errors.RunDirError: where the folder is that of a single run.
    """
    if config.repeats == 1:
        return
    configs(config)
    if config.batch_size == "auto":
        raise errors.ConfigError(
            f"--repeats={config.repeats}: with --batch_size=auto each seed would look "
            "for a batch of its own, and the runs would differ in more than the seed: "
            "give a number."
        )
    others = cluster.find(config, os.environ)
    if others is not None:
        raise errors.ConfigError(
            f"--repeats={config.repeats}: a process can join its {others.num_workers} "
            f"workers ({others.source}) only once. Start a run for each --seed, with a "
            "--run_dir of its own."
        )
    run = run_dir.of(config)
    if run.config_json.exists():
        raise errors.RunDirError(
            f"{run.path} holds a single run, and --repeats={config.repeats} puts a "
            "folder for each seed there: choose another --run_dir."
        )
