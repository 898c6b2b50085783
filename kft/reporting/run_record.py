"""The record of a run in its folder, for the pages about it. No TensorFlow here."""

import collections
import dataclasses
import datetime
import hashlib
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.config import RunConfig
from kft.data.labels import LabelMap
from kft.exporters import certificates
from kft.run_folder import environment, history, regular_file, run_dir, split_csv
from kft.run_folder.history import EpochRecord
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult

_SHOWN_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """The files of a finished run, read.

    Attributes:
        run: the folder.
        config: of the run.
        result: of result.json.
        labels: the classes.
        history: the epochs, in order.
        environment: of environment.json.
        split_id: the first digits of the SHA-256 of split.csv.
        split_sizes: examples in each split.
        parity: certificates of the exports by name; empty without exports.
        finished: when result.json was written.
    """

    run: RunDir
    config: RunConfig
    result: RunResult
    labels: LabelMap
    history: tuple[EpochRecord, ...]
    environment: Mapping[str, Any]
    split_id: str
    split_sizes: Mapping[str, int]
    parity: Mapping[str, Mapping[str, Any]]
    finished: datetime.datetime

    @property
    def stage_epochs(self) -> tuple[tuple[EpochRecord, ...], ...]:
        """Return the epochs, a tuple for each stage; epoch 0 is of the first."""
        found: list[list[EpochRecord]] = []
        for one in self.history:
            # Two stages may have the same name.
            if not found or one.epoch <= found[-1][-1].epoch:
                found.append([])
            found[-1].append(one)
        return tuple(map(tuple, found))

    @property
    def epoch_numbers(self) -> range:
        """Return the numbers of the epochs of the history, counted through the run."""
        first = self.history[0].epoch if self.history else 1
        return range(first, first + len(self.history))


def read(run: RunDir) -> RunRecord:
    """Return the record of a finished run.

    Raises:
        errors.RunDirError: where a file is missing or damaged, naming it.
    """
    result = RunResult.read(run)
    time = datetime.datetime.fromtimestamp(
        run.result_json.stat().st_mtime, datetime.UTC
    )
    return RunRecord(
        run=run,
        config=run_dir.read_config(run),
        result=result,
        labels=run_dir.read_labels(run),
        history=history.read_records(run),
        environment=environment.read(run),
        split_id=_split_id(run),
        split_sizes=_split_sizes(run),
        parity=certificates.read(run),
        finished=time,
    )


def _split_id(run: RunDir) -> str:
    try:
        content = regular_file.read(run.split_csv)
    except OSError as error:
        raise errors.RunDirError(
            f"{run.split_csv} cannot be read: {error}. Restore it from a copy."
        ) from error
    return hashlib.sha256(content).hexdigest()[:_SHOWN_DIGITS]


def _split_sizes(run: RunDir) -> Mapping[str, int]:
    return collections.Counter(row.split for row in split_csv.read(run))
