"""Where each record of a TFRecord file lies, and what class it has."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kft import errors

# A record is its length (8 bytes), a checksum (4), the data, another checksum (4).
_HEADER_BYTES = 12
_FRAME_BYTES = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """Records in files.

    Attributes:
        files: paths.
        file_numbers: int32 [n], which of `files` holds the record.
        offsets: int64 [n], where its data begins, in bytes.
        lengths: int64 [n], of its data, in bytes.
        labels: int64 [n].
    """

    files: tuple[str, ...]
    file_numbers: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray

    def part(self, first: int, last: int) -> "Records":
        """Return the records from `first` to `last` - 1."""
        chosen = slice(first, last)
        return Records(
            self.files,
            self.file_numbers[chosen],
            self.offsets[chosen],
            self.lengths[chosen],
            self.labels[chosen],
        )


def concatenate(parts: Sequence[Records]) -> Records:
    """Return the records of all parts, in their order."""
    files = tuple(dict.fromkeys(path for part in parts for path in part.files))
    numbers = {path: number for number, path in enumerate(files)}
    return Records(
        files,
        np.concatenate(
            [
                np.array([numbers[path] for path in part.files], np.int32)[
                    part.file_numbers
                ]
                for part in parts
            ]
        ),
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def index_file(path: str, label: str) -> Records:
    """Return the records of a TFRecord file of tf.train.Examples; reads it once.

    Args:
        path: of the file, local or remote.
        label: name of the int64 feature that is the class id.

    Raises:
        errors.DataError: where the file is damaged or has no such feature.
    """
    spec = {label: tf.io.FixedLenFeature([], tf.int64)}

    def describe(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, spec)
        return tf.strings.length(records), parsed[label]

    try:
        batches = list(
            tf.data.TFRecordDataset(path, buffer_size=1 << 20)
            .batch(256)
            .map(describe, num_parallel_calls=tf.data.AUTOTUNE)
            .as_numpy_iterator()
        )
    except tf.errors.OpError as error:
        raise errors.DataError(
            f"{path}: expected TFRecords of tf.train.Example with an int64 feature "
            f"{label!r}: {error.message}"
        ) from error
    empty = np.zeros([0], dtype=np.int64)
    lengths = np.concatenate([empty, *(batch[0] for batch in batches)])
    ends = np.cumsum(lengths + _FRAME_BYTES)
    return Records(
        files=(path,),
        file_numbers=np.zeros(len(lengths), dtype=np.int32),
        offsets=ends - lengths - (_FRAME_BYTES - _HEADER_BYTES),
        lengths=lengths,
        labels=np.concatenate([empty, *(batch[1] for batch in batches)]),
    )
