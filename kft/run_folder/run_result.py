"""The result of a finished run, as result.json has it."""

import dataclasses
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from kft import errors
from kft.run_folder import export_versions, json_values, saved_config
from kft.run_folder.history import (
    TEST,
    VALIDATION,
    EpochRecord,
    StageResult,
    prefixed,
    read_records,
    unprefixed,
)
from kft.run_folder.run_dir import RunDir

FINISHED = "finished"
# What selected before result.json said so.
_OLD_MONITOR = "val_accuracy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunResult:
    """What result.json says of a finished run.

    Attributes:
        run_dir: the run folder.
        monitor: the figure that chose the weights that are kept, such as val_accuracy.
        higher_is_better: whether more of it is better.
        validation: figures of the weights that are kept, under the task's names, such
            as accuracy in [0, 1] and loss in nats; empty without validation.
        test: the same on the test split; empty without one.
        best_stage: where these weights come from, as `--stages` has it.
        best_epoch: of this stage, from 1; 0 where no epoch was better than the network
            before any training.
        seconds: of the run, over all starts.
        startup_seconds: of the last start, by part: import (where the command knows
            it), data, network, trunk (its one pass, not part of a start without a
            cache), teacher (its one pass, likewise), epoch_0 (where it is scored),
            first_step. Empty for a run of a version that did not measure it.
        stages: how each ended.
        teacher: the run folder of a teacher as `run_dir`, and its figures on the
            training examples, and with `val_` before them on those of validation;
            empty for a run without one.
    """

    run_dir: Path
    monitor: str
    higher_is_better: bool
    validation: Mapping[str, float]
    test: Mapping[str, float]
    best_stage: str
    best_epoch: int
    seconds: float
    startup_seconds: Mapping[str, float]
    stages: tuple[StageResult, ...]
    teacher: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def metric(self) -> str:
        """Return what the task calls the figure that selected, such as accuracy."""
        return self.monitor.removeprefix(VALIDATION)

    @property
    def monitored(self) -> float | None:
        """Return the value of the figure that selected; None without validation."""
        return self.validation.get(self.metric)

    @property
    def history(self) -> tuple[EpochRecord, ...]:
        """Return its epochs in order, as metrics.jsonl has them.

        Raises:
            errors.RunDirError: where metrics.jsonl is missing or damaged.
        """
        return read_records(RunDir(self.run_dir))

    @property
    def exports(self) -> Mapping[str, Path]:
        """Return the exports that the run folder has, by the names of parity.json.

        Such as saved_model, of which it is the last version, litert and litert_int8.
        """
        found = {}
        for folder in sorted(RunDir(self.run_dir).export.glob("*/")):
            versions = export_versions.numbered(folder)
            if versions:
                found[folder.name] = versions[-1]
            for path in sorted(folder.glob("model*.*")):
                found[f"{folder.name}{path.stem.removeprefix('model')}"] = path
        return found

    @property
    def report(self) -> Path | None:
        """Return the report of the run; None where it has none."""
        path = RunDir(self.run_dir).report_html
        return path if path.is_file() else None

    @property
    def val_accuracy(self) -> float | None:
        """Return the validation accuracy, in [0, 1]; None where there is none."""
        return self.validation.get("accuracy")

    @property
    def val_loss(self) -> float | None:
        """Return the validation loss; None without validation."""
        return self.validation.get("loss")

    @property
    def test_accuracy(self) -> float | None:
        """Return the test accuracy, in [0, 1]; None where there is none."""
        return self.test.get("accuracy")

    @property
    def test_loss(self) -> float | None:
        """Return the test loss; None without a test split."""
        return self.test.get("loss")

    def figures(self) -> dict[str, float]:
        """Return the figures of both splits, with `val_` and `test_` before them."""
        validation = prefixed(VALIDATION, self.validation)
        return {**validation, **prefixed(TEST, self.test), "seconds": self.seconds}

    def to_json(self, names: Iterable[str] = ()) -> dict[str, Any]:
        """Return the content of result.json.

        Args:
            names: of figures that are None where no split has them.
        """
        empty = dict.fromkeys(names)
        return {
            "status": FINISHED,
            "monitor": self.monitor,
            "higher_is_better": self.higher_is_better,
            **prefixed(VALIDATION, {**empty, **self.validation}),
            **prefixed(TEST, {**empty, **self.test}),
            "best_stage": self.best_stage,
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
            "startup_seconds": dict(self.startup_seconds),
            "stages": [stage.to_json() for stage in self.stages],
            **({"teacher": dict(self.teacher)} if self.teacher else {}),
        }

    @classmethod
    def from_json(cls, run_dir: Path, content: Mapping[str, Any]) -> Self:
        """Return the result that this or an older version wrote.

        Raises:
            KeyError: for content without what every version has.
            ValueError: for a value of another type.
        """
        stages = content["stages"]
        values = {
            "monitor": content.get("monitor", _OLD_MONITOR),
            "higher_is_better": content.get("higher_is_better", True),
            "validation": unprefixed(VALIDATION, content),
            "test": unprefixed(TEST, content),
            "best_stage": content["best_stage"],
            "best_epoch": content["best_epoch"],
            "seconds": content["seconds"],
            "startup_seconds": content.get("startup_seconds") or {},
            "teacher": content.get("teacher") or {},
        }
        json_values.check(values, typing.get_type_hints(cls))
        json_values.check({"stages": stages}, {"stages": Sequence[dict[str, Any]]})
        for figures in (values["validation"], values["test"]):
            if not 0 <= figures.get("accuracy", 0) <= 1:
                raise ValueError(f"an accuracy is {figures['accuracy']}")
        return cls(
            **values,
            run_dir=run_dir,
            stages=tuple(map(StageResult.from_json, stages)),
        )

    @classmethod
    def read(cls, run: RunDir) -> Self:
        """Return the result of a finished run.

        Raises:
            errors.RunDirError: where result.json is missing or damaged.
        """
        content = saved_config.read_json(run.result_json)
        try:
            return cls.from_json(run.path, content)
        except (KeyError, ValueError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else error
            text = saved_config.damaged(run.result_json, str(what))
            raise errors.RunDirError(text) from error
