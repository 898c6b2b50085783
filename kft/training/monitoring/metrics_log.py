"""The log of a run, epoch by epoch: metrics.jsonl and TensorBoard events.

Both follow the history in the checkpoint, which is the truth: on resume they are
written anew from it, so no line is missing and none stands twice.
"""

import json
import shutil
from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf

from kft.run_folder.history import VALIDATION, EpochRecord, prefixed
from kft.run_folder.run_dir import RunDir

# What of an epoch stands beside its figures.
_SCALARS = ("learning_rate", "examples_per_second", "input_wait_fraction")


class Recorder(Protocol):
    """Writes the history of a run."""

    def restart(self, history: Sequence[EpochRecord]) -> None:
        """Write the whole history anew."""

    def append(self, history: Sequence[EpochRecord]) -> None:
        """Write the last line of the history."""


class FileRecorder:
    """The recorder of the chief."""

    def __init__(self, run: RunDir, *, events: bool = True) -> None:
        """Record in the folder of a run, with events for TensorBoard or without."""
        self._run = run
        self._events = events
        self._writer: tf.summary.SummaryWriter | None = None

    def restart(self, history: Sequence[EpochRecord]) -> None:
        """Write both files anew from the history."""
        shutil.rmtree(self._run.tensorboard, ignore_errors=True)
        if self._events:
            self._writer = tf.summary.create_file_writer(str(self._run.tensorboard))
        for record in history:
            self._write_scalars(record)
        self._write_lines(history)

    def append(self, history: Sequence[EpochRecord]) -> None:
        """Write the last line of the history."""
        self._write_scalars(history[-1])
        self._write_lines(history)

    def _write_lines(self, history: Sequence[EpochRecord]) -> None:
        # A run has some tens of epochs, so the whole file is written each time: an
        # appended line can be torn by a kill, a replaced file cannot.
        text = "".join(json.dumps(record.to_json()) + "\n" for record in history)
        self._run.write_text(self._run.metrics_jsonl, text)

    def _write_scalars(self, record: EpochRecord) -> None:
        if self._writer is None:
            return
        values = {**record.train, **prefixed(VALIDATION, record.validation)}
        values.update({name: getattr(record, name) for name in _SCALARS})
        with self._writer.as_default():
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value, step=record.step)
        self._writer.flush()


class NullRecorder:
    """The recorder of all other workers."""

    def restart(self, history: Sequence[EpochRecord]) -> None:
        """Write nothing."""

    def append(self, history: Sequence[EpochRecord]) -> None:
        """Write nothing."""
