"""Values that describe a data set: examples by row, and its splits."""

import dataclasses
import typing
from collections.abc import Callable
from typing import Final

import numpy as np

from kft.data import labels, ragged
from kft.data.ragged import Rows

if typing.TYPE_CHECKING:
    import tensorflow as tf

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS = (TRAIN, VALIDATION, TEST)
# What labels are called where they are names that people gave.
CLASSES: Final = "classes"
# The key, a seed for random ops, of an example that is not augmented.
NO_KEY = np.zeros([2], np.int64)
NO_KEY.flags.writeable = False

Read = Callable[["tf.Tensor"], "tf.Tensor"]


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Examples of one split, with random access to their encoded bytes.

    Attributes:
        ids: str [n], unique and the same whenever the data set is loaded.
        labels: what is to be learned of each: int32 [n], class ids; float32 [n, k]; or
            int32 rows of different length.
        rows: int64 [n], where `read` finds the examples.
        read: maps int64 rows [k] to their payloads, tf.string [k]; works eagerly and
            in the functions of tf.data.
        lengths: int64 [n], steps of each input; None where all have one shape.
    """

    ids: np.ndarray
    labels: Rows
    rows: np.ndarray
    read: Read
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: np.ndarray) -> "Examples":
        """Return the examples at these positions, in this order."""
        return Examples(
            self.ids[indices],
            ragged.take(self.labels, indices),
            self.rows[indices],
            self.read,
            None if self.lengths is None else self.lengths[indices],
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """What a source found: every example of every split, in a stable order.

    Attributes:
        ids: str [n].
        labels: as `Examples` has them.
        sizes: int64 [n], bytes of the payloads, 0 where finding out is expensive.
        split_names: str [n], each of `SPLITS`: the split that the data itself names.
            Where it names none, `train`, from which validation and test may be cut.
        read: reads row i, which is position i of these arrays.
        groups: str [n], examples of a group stay in one split where splits are cut; an
            empty name is no group. None where there are no groups.
        lengths: int64 [n], steps of each input; None where the source does not know,
            or all have one shape.
    """

    ids: np.ndarray
    labels: Rows
    sizes: np.ndarray
    split_names: np.ndarray
    read: Read
    groups: np.ndarray | None = None
    lengths: np.ndarray | None = None

    def examples(self, rows: np.ndarray) -> Examples:
        """Return the examples at these rows."""
        return Examples(
            self.ids[rows],
            ragged.take(self.labels, rows),
            rows.astype(np.int64),
            self.read,
            None if self.lengths is None else self.lengths[rows],
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Labelled:
    """Examples that can be measured, though one could not train on them.

    Attributes:
        labels: the classes: those of a run, then others that examples are of.
        parts: the splits that the data itself names; `train` where it names none.
    """

    labels: labels.LabelMap
    parts: typing.Mapping[str, Examples]


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """A data set as a run sees it.

    Attributes:
        labels: the classes, from the training split.
        train: what is trained on.
        validation: what chooses the best weights, None where there is none.
        test: what only the end of the run sees, None where there is none.
        fingerprint: SHA-256 over ids, labels, splits and sizes; contents are not read.
        source: the `--dataset` that this is.
        labels_are: what messages call the labels.
    """

    labels: labels.LabelMap
    train: Examples
    validation: Examples | None
    test: Examples | None
    fingerprint: str
    source: str
    labels_are: str = CLASSES

    def parts(self) -> dict[str, Examples]:
        """Return the splits that there are, by name."""
        parts = {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}
        return {split: part for split, part in parts.items() if part is not None}
