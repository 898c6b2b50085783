"""A whole run: what every task shares, and the run of the default task."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Literal, Self

from kft import errors
from kft.config import averaging
from kft.config.averaging import Averaging
from kft.config.computation import RuntimeConfig
from kft.config.data import DEFAULT_TASK, DataConfig, Fold
from kft.config.distillation import DistillationConfig
from kft.config.fields import option
from kft.config.image import ImageModelConfig, ImageOptions
from kft.config.stages import Stage, format_stages, parse_stages
from kft.config.training import ModelConfig, OptimizerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(
    RuntimeConfig, DistillationConfig, OptimizerConfig, ModelConfig, DataConfig
):
    """What happens around training, and where a run is written.

    Every task shares these options; a task adds its own in a subclass. The first base
    comes last in a list of the options.
    """

    recipe: Literal["manual", "auto", "applied"] = option(
        "manual",
        "auto chooses the stages, their rates and epochs, the batch, and what becomes "
        "of the examples from the data and the backbone, and says what it chose; flags "
        "that are given win. applied: as auto, whose choices the other flags already "
        "name (a run folder's flags.cfg has it).",
    )
    repeats: int = option(
        1,
        "Runs with the seeds seed, seed+1, ..., each in a folder of its own below "
        "--run_dir; repeats.json there has mean and range. The best by validation is "
        "exported.",
        minimum=1,
        maximum=1000,
    )
    folds: int = option(
        1,
        "Cross-validation: K runs, each of which validates on another Kth of the "
        "examples and trains on the others, in folders of their own below --run_dir. "
        "folds.json there has mean and range, out_of_fold.csv what each example got by "
        "a network that has not seen it. Nothing is exported.",
        minimum=1,
        maximum=100,
    )
    fold: int | None = option(
        None,
        "Make only this one of the runs of --folds, from 0 on.",
        minimum=0,
        maximum=99,
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
        "and the command fails with exit code 3. With --repeats the mean counts. A "
        "task without an accuracy is judged by the figure that chooses its weights, "
        "which may not be above this where less is better.",
        minimum=0.0,
        maximum=1.0,
        may_change=True,
    )

    @functools.cached_property
    def parsed_stages(self) -> tuple[Stage, ...]:
        """Return what `--stages` says.

        Raises:
            errors.ConfigError: naming the part that is not understood.
        """
        return parse_stages(self.stages)

    @property
    def parsed_average(self) -> Averaging | None:
        """Return what `--average` says; None for none.

        Raises:
            errors.ConfigError: where it is not understood.
        """
        return averaging.parse(self.average)

    @property
    def held_out_fold(self) -> Fold | None:
        """Return the part of the examples that validates; None without --folds.

        Raises:
            errors.ConfigError: where --fold does not say which, or of how many.
        """
        if self.folds == 1:
            if self.fold is not None:
                raise errors.ConfigError(
                    f"--fold={self.fold}: expected --folds with it, which says how "
                    "many there are."
                )
            return None
        if self.fold is None:
            raise errors.ConfigError(
                f"--folds={self.folds} is for several runs, of kft.train or "
                "kft.cross_validate; for one of them say which examples validate: "
                "--fold=0."
            )
        return Fold(self.fold, self.folds)

    def with_stages(self, stages: Sequence[Stage]) -> Self:
        """Return the config with other stages."""
        return dataclasses.replace(self, stages=format_stages(stages))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig(ImageOptions, ImageModelConfig, RunConfig):
    """A run of the default task."""

    task: Literal["image_classification"] = option(
        DEFAULT_TASK, "What the network learns to do."
    )
