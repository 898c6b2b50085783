"""A search over the settings of a run."""

import dataclasses
from typing import Literal

from kft.config.fields import option
from kft.config.run import TrainConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneConfig(TrainConfig):
    """What is searched, how, and where that is kept."""

    space: str | None = option(
        None,
        "Settings to search, NAME=VALUES separated by commas. NAME is a flag of a run, "
        "or stages.STAGE.epochs, .learning_rate or .unfreeze of a stage of --stages. "
        "VALUES: log:1e-4..1e-1 (even over the magnitudes), linear:0..0.5, int:2..8, "
        "choice:0|1e-4; log:1e-4..1e-1/4 are 4 values with the same distance. Default: "
        "the learning rate of each stage, a tenth to ten times what it is.",
    )
    tuner: Literal["random", "bayesian", "grid", "hyperband"] = option(
        "bayesian",
        "How the next trial is chosen. random; bayesian: a Gaussian process over the "
        "trials so far; grid: every combination in turn; hyperband: many trials with "
        "few epochs, and the best of them again with more.",
    )
    trials: int | None = option(
        None,
        "Most trials; a higher number goes on with a finished search. Default: 12, and "
        "with grid and hyperband as many as they need.",
        minimum=1,
        may_change=True,
    )
    prune: Literal["median", "off"] = option(
        "median",
        "Whether a trial ends early when its validation accuracy is below the median "
        "of what the finished trials had by then. hyperband does without.",
    )
    search_dir: str | None = option(
        None,
        "Folder of the search, with a run folder for each trial and for the winner; "
        "default RUN_DIR-search.",
        may_change=True,
    )
    train_best: bool = option(
        True,
        "Train with the best settings in the end, and export, as kft.train does.",
        may_change=True,
    )
