"""The ends of the trials of a search: a small file for each, whole or absent."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from kft import errors
from kft.run_folder import atomic_files, saved_config
from kft.run_folder.history import TEST, VALIDATION, prefixed, unprefixed
from kft.search.search_dir import SearchDir
from kft.search.search_settings import Value
from kft.tasks.metric import Metric

# What stands before the figures in the file of a trial.
_HEAD = ("number", "status", "values", "share")

Status = Literal["finished", "pruned", "failed"]


@dataclasses.dataclass(frozen=True)
class Record:
    """How a trial ended.

    Attributes:
        number: of the trial, from 0.
        status: finished; pruned, for it was hopeless; failed, see `message`.
        values: of the settings that are searched.
        share: of the epochs of its stages that it was given, in (0, 1].
        validation: of the best weights, the figure that trials are compared by and the
            loss; empty where it failed.
        test: that figure of the same weights; empty without a test split.
        epochs: that it trained.
        seconds: that it took.
        message: why it failed or was pruned; otherwise empty.
    """

    number: int
    status: Status
    values: dict[str, Value]
    share: float
    validation: Mapping[str, float]
    test: Mapping[str, float]
    epochs: int
    seconds: float
    message: str = ""

    def figures(self) -> dict[str, float]:
        """Return the figures of both splits, with `val_` and `test_` before them."""
        return {**prefixed(VALIDATION, self.validation), **prefixed(TEST, self.test)}

    def to_json(self, monitor: Metric) -> dict[str, Any]:
        """Return the content of its file; figures that it has not are None."""
        values = dict(vars(self))
        del values["validation"], values["test"]
        head = {name: values.pop(name) for name in _HEAD}
        empty = dict.fromkeys(figure_names(monitor))
        return {**head, **empty, **self.figures(), **values}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the record that a file holds.

        Raises:
            TypeError: where a name is missing, or is none.
        """
        prefixes = (VALIDATION, TEST)
        return cls(
            **{k: v for k, v in content.items() if not k.startswith(prefixes)},
            validation=unprefixed(VALIDATION, content),
            test=unprefixed(TEST, content),
        )


def figure_names(monitor: Metric) -> list[str]:
    """Return the names of the figures that a trial has, each once."""
    names = (VALIDATION + monitor.name, VALIDATION + "loss", TEST + monitor.name)
    return list(dict.fromkeys(names))


def write(search: SearchDir, record: Record, monitor: Metric) -> None:
    """Write the record of a trial.

    Raises:
        errors.RunDirError: where it cannot be written.
    """
    text = json.dumps(record.to_json(monitor), indent=2, allow_nan=False)
    atomic_files.write(search.record(record.number), text.encode())


def read(search: SearchDir, number: int) -> Record | None:
    """Return the record of a trial, None where it has not ended.

    Raises:
        errors.RunDirError: where the file is damaged.
    """
    path = search.record(number)
    return _read(path) if path.exists() else None


def read_all(search: SearchDir) -> list[Record]:
    """Return the records of all trials that have ended, in the order of their numbers.

    Raises:
        errors.RunDirError: where a file is damaged.
    """
    paths = search.trials.glob("[0-9]*.json")
    return sorted(map(_read, paths), key=lambda record: record.number)


def _read(path: Path) -> Record:
    content = saved_config.read_json(path)
    try:
        return Record.from_json(content)
    except TypeError as error:
        raise errors.RunDirError(
            f"{path} is damaged: {error}. Remove it: the trial is run again."
        ) from error


def ranked(records: Sequence[Record], monitor: Metric) -> list[Record]:
    """Return the records, the best first: by the figure, then by the loss.

    What has finished comes before what was pruned; failures are last.
    """
    by_number = sorted(records, key=lambda record: record.number)
    found = []
    for status in ("finished", "pruned"):
        some = [record for record in by_number if record.status == status]
        # The sort leaves equals in their order, also in reverse.
        some.sort(key=lambda record: monitor.rank(record.validation), reverse=True)
        found += some
    return found + [record for record in by_number if record.status == "failed"]


def best(records: Sequence[Record], monitor: Metric) -> Record | None:
    """Return the best trial that was not ended early, None where there is none."""
    finished = [record for record in records if record.status == "finished"]
    return ranked(finished, monitor)[0] if finished else None
