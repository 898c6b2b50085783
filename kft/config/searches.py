"""Commands that make many short runs: a search, a learning rate range test.

Each adds its options to those of a run, of whichever task.
"""

import dataclasses
from typing import Literal

from kft.config.fields import option
from kft.config.run import RunConfig, TrainConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig(RunConfig):
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
        "Whether a trial ends early when its figure of validation is worse than the "
        "median of what the finished trials had by then. hyperband does without.",
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

    def train_config(self) -> RunConfig:
        """Return the config of the run that is searched."""
        return _without(self, SearchConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RangeTestConfig(RunConfig):
    """What is tested, and where the result is written."""

    stage: str | None = option(
        None,
        "Stage to test, as --stages calls it, such as head or top4; default: each in "
        "turn.",
    )
    lowest_rate: float = option(
        1e-5, "Learning rate of the first step.", minimum=1e-12, maximum=1e3
    )
    highest_rate: float = option(
        10.0, "Learning rate of the last step.", minimum=1e-12, maximum=1e3
    )
    steps: int = option(
        100,
        "Steps of a test; it ends earlier where the loss runs away.",
        minimum=20,
        maximum=10_000,
    )
    epochs_before: int = option(
        3,
        "Most epochs that each stage before the tested one trains first, at the rate "
        "that --stages says, so that the test starts where the stage will; 0 for none.",
        minimum=0,
    )
    output_dir: str | None = option(
        None, "Folder of find_lr.png and find_lr.json; default RUN_DIR-find_lr."
    )

    def train_config(self) -> RunConfig:
        """Return the config of the run whose rates are tested."""
        return _without(self, RangeTestConfig)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneConfig(TrainConfig, SearchConfig):
    """A search over runs of the default task."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindLrConfig(TrainConfig, RangeTestConfig):
    """A range test for a run of the default task."""


# By their bases. Each is made once: configs of two classes are never equal.
_OF_TASK: dict[tuple[type, ...], type[RunConfig]] = {
    made.__bases__: made for made in (TuneConfig, FindLrConfig)
}


def of_task(options: type[RunConfig], config_class: type[RunConfig]) -> type[RunConfig]:
    """Return the config of a command for the runs of a task.

    Args:
        options: of the command, such as `SearchConfig`.
        config_class: of the task's runs.
    """
    bases = (config_class, options)
    if bases not in _OF_TASK:
        name = options.__name__.removesuffix("Config") + config_class.__name__
        content = {"__doc__": options.__doc__, "__module__": __name__}
        made = type(name, bases, content)
        _OF_TASK[bases] = dataclasses.dataclass(frozen=True, kw_only=True)(made)
    return _OF_TASK[bases]


def _without(config: RunConfig, options: type[RunConfig]) -> RunConfig:
    """Return the config of a run, as its task has it, without a command's options."""
    config_class = next(
        cls
        for cls in type(config).__mro__
        if issubclass(cls, RunConfig) and not issubclass(cls, options)
    )
    names = [field.name for field in dataclasses.fields(config_class)]
    return config_class(**{name: getattr(config, name) for name in names})
