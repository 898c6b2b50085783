"""A task that is no part of kft, as far as a command line knows it."""

import dataclasses
from typing import Literal

from kft.config import DataConfig, RunConfig
from kft.config.fields import option
from kft.tasks.task_kind import TaskKind


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveOptions(DataConfig):
    """How a curve is read."""

    dataset: str = option("curves:100", "Where the curves are.")
    smooth: bool = option(False, "Whether it is smoothed.")
    width: int = option(3, "Channels.", minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveConfig(CurveOptions, RunConfig):
    """A run on curves."""

    task: Literal["curves"] = option("curves", "What the network learns to do.")
    backbone: str = option("three_layers", "The network.")


CURVES = TaskKind(
    name="curves",
    summary="mark the steps of a curve that rise",
    config_class=CurveConfig,
    sources={},
    blocks=lambda config: None,
    check=lambda config: None,
    module="none",
)
