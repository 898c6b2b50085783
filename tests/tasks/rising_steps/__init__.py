"""A task that kft does not know: mark the rising steps of noisy curves.

Sequences of different length with a label for every step. This half needs no
TensorFlow; the other is in `rising_task.py`. One line registers it:
`TASKS["rising_steps"] = KIND`, in `register.py`.
"""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kft import errors
from kft.config import DataConfig, RunConfig
from kft.config.fields import option
from kft.config.stages import Blocks
from kft.data import Source, examples, splits
from kft.data.examples import TRAIN, Splits
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.tasks.task_kind import TaskKind

if TYPE_CHECKING:
    import tensorflow as tf

CLASSES = ("still", "rising")
LONGEST = 32
BLOCKS = Blocks(("block_1", "block_2", "block_3"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RisingOptions(DataConfig):
    """How a curve is read."""

    dataset: str = option("csv:curves.csv", "A table of curves.")
    pad_to: int = option(
        0, "One length that all curves are padded to; 0: buckets.", minimum=0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RisingConfig(RisingOptions, RunConfig):
    """A run that marks rising steps."""

    task: str = option("rising_steps", "What the network learns to do.")
    backbone: str = option("tiny", "The only network that there is.")
    width: int = option(8, "Channels of the network.", minimum=1, maximum=64)


def write_curves(path: Path, count: int = 120) -> None:
    """Write noisy curves of 5 to 32 steps, with the steps in which they rise."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "values", "labels"])
        for number in range(count):
            labels = np.zeros(rng.integers(5, LONGEST + 1), int)
            for begin in rng.integers(0, len(labels) - 2, size=2):
                labels[begin : begin + rng.integers(2, 6)] = 1
            values = np.cumsum(labels * 0.8) + rng.normal(0, 0.1, len(labels))
            cells = [
                " ".join(map(f"{{:{form}}}".format, row))
                for row, form in ((values - values.mean(), ".3f"), (labels, "d"))
            ]
            table.writerow([f"curve{number:03d}", *cells])


def load(path: str, config: DataConfig) -> Splits:
    """Return the curves of a table: id, values and labels with spaces between them."""
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    payloads = [row["values"].encode() for row in rows]
    labels = Ragged.from_rows(
        [np.array(row["labels"].split(), np.int32) for row in rows]
    )
    table = examples.Table(
        ids=np.array([row["id"] for row in rows]),
        labels=labels,
        sizes=np.array([len(payload) for payload in payloads], np.int64),
        split_names=np.array([TRAIN] * len(rows)),
        read=_reader(payloads),
        lengths=labels.lengths,
    )
    return splits.assemble(LabelMap(CLASSES), table, config)


def _reader(payloads: Sequence[bytes]) -> examples.Read:
    def read(rows: np.ndarray) -> "tf.data.Dataset":
        from kft.data.sources import record_reader

        return record_reader.from_memory(payloads)(rows)

    return read


def _check_source(path: str, config: DataConfig) -> None:
    if not Path(path).is_file():
        raise errors.DataError(f"--dataset={config.dataset}: there is no {path}.")


def _check(config: RisingConfig) -> None:
    if config.backbone != "tiny":
        raise errors.ConfigError("--backbone: expected tiny.")


KIND = TaskKind(
    name="rising_steps",
    summary="mark the rising steps of curves",
    config_class=RisingConfig,
    sources={"csv": Source("csv:PATH", _check_source, load)},
    blocks=lambda config: BLOCKS,
    check=_check,
    module="tests.tasks.rising_steps.rising_task",
)
