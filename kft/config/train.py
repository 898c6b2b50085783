"""A whole run."""

import dataclasses

from kft.config.data import DataConfig
from kft.config.learning import ModelConfig, OptimizerConfig
from kft.config.runtime import RuntimeConfig
from kft.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig(DataConfig, ModelConfig, OptimizerConfig, RuntimeConfig):
    """Everything that decides a run, and where it is written."""

    run_dir: str | None = option(
        None,
        "Run folder; default runs/DATASET-BACKBONE below the working directory.",
        may_change=True,
    )
    checkpoint_minutes: float = option(
        10.0,
        "Longest time between two saves of the state, in minutes; it is saved after "
        "every epoch as well.",
        minimum=0.0,
        may_change=True,
    )
    export: tuple[str, ...] = option(
        ("saved_model",), "Formats written at the end of training; empty for none."
    )
