"""A whole run."""

import dataclasses
from typing import Literal

from kft.config.computation import RuntimeConfig
from kft.config.data import DataConfig
from kft.config.fields import option
from kft.config.training import ModelConfig, OptimizerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(DataConfig, ModelConfig, OptimizerConfig, RuntimeConfig):
    """What decides a run of any task, and where it is written."""

    recipe: Literal["manual", "auto", "applied"] = option(
        "manual",
        "auto chooses the stages, their rates and epochs, the batch, the size and the "
        "augmentation of the images from the data and the backbone, and says what it "
        "chose; flags that are given win. applied: as auto, whose choices the other "
        "flags already name (a run folder's flags.cfg has it).",
    )
    repeats: int = option(
        1,
        "Runs with the seeds seed, seed+1, ..., each in a folder of its own below "
        "--run_dir; repeats.json there has mean and range. The best by validation is "
        "exported.",
        minimum=1,
        maximum=1000,
    )
    run_dir: str | None = option(
        None,
        "Run folder; default runs/DATASET-BACKBONE below the working directory.",
        may_change=True,
    )
    preview: int | None = option(
        None,
        "Training inputs to show in preview.png of the run folder before training: the "
        "first of epoch 0, as the network will see them.",
        minimum=1,
        maximum=400,
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
    report: bool = option(
        True, "Write report.html at the end of training.", may_change=True
    )
    trackers: tuple[str, ...] = option(
        ("tensorboard",),
        "Where the curves go, of tensorboard (in the run folder), wandb and mlflow; "
        "empty for none. metrics.jsonl is written in any case.",
        may_change=True,
    )
    assert_accuracy_at_least: float | None = option(
        None,
        "Below this validation accuracy, in [0, 1], the finished run is not exported "
        "and the command fails with exit code 3. With --repeats the mean counts.",
        minimum=0.0,
        maximum=1.0,
        may_change=True,
    )

    def train_config(self) -> "TrainConfig":
        """Return what stays without the options of a search or a range test."""
        names = [field.name for field in dataclasses.fields(TrainConfig)]
        return TrainConfig(**{name: getattr(self, name) for name in names})


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """A run of the default task, `image_classification`."""
