"""The ends of the trials of a search: a small file for each, whole or absent."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from kft import errors
from kft.run_folder import atomic_files, saved_config
from kft.search.search_dir import SearchDir
from kft.search.search_settings import Value


@dataclasses.dataclass(frozen=True)
class Record:
    """How a trial ended.

    Attributes:
        number: of the trial, from 0.
        status: finished; pruned, for it was hopeless; failed, see `message`.
        values: of the settings that are searched.
        share: of the epochs of its stages that it was given, in (0, 1].
        val_accuracy: best one, in [0, 1]; None where it failed.
        val_loss: of the same epoch, in nats.
        test_accuracy: of the same weights; None without a test split.
        epochs: that it trained.
        seconds: that it took.
        message: why it failed or was pruned; otherwise empty.
    """

    number: int
    status: Literal["finished", "pruned", "failed"]
    values: dict[str, Value]
    share: float
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    epochs: int
    seconds: float
    message: str = ""


def write(search: SearchDir, record: Record) -> None:
    """Write the record of a trial.

    Raises:
        errors.RunDirError: where it cannot be written.
    """
    text = json.dumps(dataclasses.asdict(record), indent=2, allow_nan=False)
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
        return Record(**content)
    except TypeError as error:
        raise errors.RunDirError(
            f"{path} is damaged: {error}. Remove it: the trial is run again."
        ) from error


def ranked(records: Sequence[Record]) -> list[Record]:
    """Return the records, the best first: by accuracy, then by loss; failures last."""
    return sorted(records, key=_rank)


def _rank(record: Record) -> tuple[Any, ...]:
    if record.val_accuracy is None:
        return (2, 0.0, 0.0, record.number)
    loss = record.val_loss if record.val_loss is not None else 0.0
    return (record.status != "finished", -record.val_accuracy, loss, record.number)


def best(records: Sequence[Record]) -> Record | None:
    """Return the best trial that was not ended early, None where there is none."""
    finished = [record for record in records if record.status == "finished"]
    return ranked(finished)[0] if finished else None
