"""The lines of metrics.jsonl and the stages of result.json, as values.

The figures of a task stand beside the rest, under the task's own names: `accuracy` and
`val_accuracy`, `f1` and `val_f1`. What older versions wrote is read too.
"""

import dataclasses
import math
import typing
from collections.abc import Mapping
from typing import Any, Self

from kft import errors
from kft.run_folder import json_values, saved_config
from kft.run_folder.run_dir import RunDir

VALIDATION = "val_"
TEST = "test_"
_OLD_NAMES = {"images_per_second": "examples_per_second"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One epoch: a line of metrics.jsonl.

    Epoch 0 of the first stage is the network as it came, scored before any training.
    It is recorded where `Network.head_is_pretrained`.

    Attributes:
        stage: what it unfreezes, as `--stages` has it.
        epoch: of the stage, from 1; 0 before any training.
        epochs: that the stage plans.
        step: updates of the whole run that are done.
        train: figures of the task over the training examples, while they trained;
            empty for epoch 0.
        validation: figures at the end of the epoch; empty where nothing validates.
        learning_rate: of the last step; None for epoch 0.
        seconds: of the training steps.
        examples_per_second: of the training steps; None for epoch 0.
        input_wait_fraction: of their time, in [0, 1]; None with --deterministic, and
            for epoch 0.
    """

    stage: str
    epoch: int
    epochs: int
    step: int
    train: Mapping[str, float]
    validation: Mapping[str, float]
    learning_rate: float | None
    seconds: float
    examples_per_second: float | None
    input_wait_fraction: float | None

    @classmethod
    def untrained(
        cls, *, stage: str, epochs: int, validation: Mapping[str, float]
    ) -> Self:
        """Return epoch 0 of a run.

        Args:
            stage: the first.
            epochs: that it plans.
            validation: figures before any training.
        """
        return cls(
            stage=stage,
            epoch=0,
            epochs=epochs,
            step=0,
            train={},
            validation=validation,
            learning_rate=None,
            seconds=0.0,
            examples_per_second=None,
            input_wait_fraction=None,
        )

    @property
    def has_trained(self) -> bool:
        """Return whether it is another epoch than epoch 0."""
        return self.epoch > 0

    @property
    def train_columns(self) -> Mapping[str, float | None]:
        """Return `train`, or the same names as those of validation without values."""
        return self.train or dict.fromkeys(self.validation)

    def to_json(self) -> dict[str, Any]:
        """Return the line; the names of validation begin with `val_`."""
        values = dict(vars(self))
        train, validation = values.pop("train"), values.pop("validation")
        head = {name: values.pop(name) for name in ("stage", "epoch", "epochs", "step")}
        judged = validation or dict.fromkeys(train)
        return {
            **head,
            **self.train_columns,
            **prefixed(VALIDATION, judged),
            **values,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """Return the record of a line of this version or of an older one.

        Raises:
            KeyError: for a line without what every version has.
            ValueError: for a value of another type.
        """
        values = renamed(line)
        own = {f.name for f in dataclasses.fields(cls)} - {"train", "validation"}
        known = {name: values.pop(name) for name in own}
        validation = unprefixed(VALIDATION, values)
        train = {
            name: value
            for name, value in values.items()
            if not name.startswith(VALIDATION) and value is not None
        }
        known |= {"train": train, "validation": validation}
        # A mean over an epoch that has diverged may be infinite or no number.
        finite = {k: v for k, v in train.items() if not _has_diverged(v)}
        json_values.check({**known, "train": finite}, typing.get_type_hints(cls))
        return cls(**known)


def _has_diverged(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StageResult:
    """A stage that has ended: an entry of `stages` in result.json.

    Attributes:
        name: what it unfreezes.
        epochs: that it trained.
        seconds: with validation and saves.
        examples_per_second: of the training steps.
        input_wait_fraction: of their time, in [0, 1]; None with --deterministic.
        trainable_parameters: of the stage.
        cached: whether its trunk was stored.
        best_epoch: of those that trained, from 1; None without one.
        validation: figures of that epoch, or of the mean; empty where nothing
            validates.
        averaged_epochs: from 1, whose mean is better than each of them; () where that
            is an epoch.
    """

    name: str
    epochs: int
    seconds: float
    examples_per_second: float
    input_wait_fraction: float | None
    trainable_parameters: int
    cached: bool
    best_epoch: int | None
    validation: Mapping[str, float]
    averaged_epochs: tuple[int, ...] = ()

    @property
    def best(self) -> str | None:
        """Return the best epoch, or the epochs of the mean that is better: 3+4+5."""
        if self.averaged_epochs:
            return "+".join(map(str, self.averaged_epochs))
        return None if self.best_epoch is None else str(self.best_epoch)

    def to_json(self) -> dict[str, Any]:
        """Return the entry; the names of validation begin with `val_`."""
        values = dict(vars(self))
        validation = values.pop("validation")
        return {**values, **prefixed(VALIDATION, validation)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """Return the result of an entry of this version or of an older one.

        Raises:
            KeyError: for an entry without what every version has.
            ValueError: for a value of another type.
        """
        values = renamed(entry)
        own = {f.name for f in dataclasses.fields(cls)}
        own -= {"validation", "averaged_epochs"}
        known = {name: values.pop(name) for name in own}
        known["averaged_epochs"] = values.pop("averaged_epochs", ())
        known["validation"] = unprefixed(VALIDATION, values)
        json_values.check(known, typing.get_type_hints(cls))
        known["averaged_epochs"] = tuple(known["averaged_epochs"])
        return cls(**known)


def read_records(run: RunDir) -> tuple[EpochRecord, ...]:
    """Return the epochs of a run, of this version or of an older one, in order.

    Raises:
        errors.RunDirError: where metrics.jsonl is missing or damaged.
    """
    lines = saved_config.read_lines(run.metrics_jsonl)
    try:
        found = tuple(map(EpochRecord.from_json, lines))
    except KeyError as error:
        raise _damaged(run, f"a line has no {error}") from error
    except ValueError as error:
        raise _damaged(run, f"in a line {error}") from error
    if not found:
        raise _damaged(run, "it has no epoch")
    return found


def _damaged(run: RunDir, reason: str) -> errors.RunDirError:
    return errors.RunDirError(
        f"{run.metrics_jsonl} is damaged: {reason}. Restore it from a copy."
    )


def prefixed(prefix: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures by their names with `val_` or `test_` before them."""
    return {prefix + name: value for name, value in figures.items()}


def unprefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures among values whose name begins so, without those of None."""
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix) and value is not None
    }


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of an older version by the names of this one."""
    return {_OLD_NAMES.get(name, name): value for name, value in values.items()}
