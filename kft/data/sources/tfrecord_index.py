"""The offsets of the records of TFRecord files, and their classes."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf import message

from kft import errors
from kft.data import bad_examples, dataset_options
from kft.data.sources.records import Records

# A record is its length (8 bytes), a checksum (4), the data, another checksum (4).
_HEADER_BYTES = 12
_FRAME_BYTES = 16
_GZIP = b"\x1f\x8b"
_TYPES = {int: tf.int64, bytes: tf.string, float: tf.float32}
_ARRAYS = {int: np.int64, bytes: object, float: np.float32}


@dataclasses.dataclass(frozen=True)
class Feature:
    """A feature of a record.

    Attributes:
        kind: int, bytes or float; None for a feature without values.
        count: number of values.
    """

    kind: type | None
    count: int


def first_features(path: str) -> dict[str, Feature]:
    """Return the features of the first record by name. No record, no features.

    Raises:
        errors.DataError: where the file cannot be read, or it is none of TFRecords.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            if file.read(len(_GZIP)) == _GZIP:
                raise errors.DataError(
                    f"{path}: expected TFRecords that are not compressed, for they are "
                    "read in any order; received gzip. Unpack the files."
                )
        first = next(iter(tf.data.TFRecordDataset(path).take(1)), None)
        example = tf.train.Example()
        if first is not None:
            example.ParseFromString(first.numpy())
    except (tf.errors.OpError, message.DecodeError) as error:
        is_of_op = isinstance(error, tf.errors.OpError)
        said = bad_examples.first_line(error) if is_of_op else error
        raise errors.DataError(
            f"{path}: expected TFRecords of tf.train.Example: {said}"
        ) from error
    features = example.features.feature
    return {name: _described(features[name]) for name in features}


def _described(feature: tf.train.Feature) -> Feature:
    kinds = {"int64_list": int, "bytes_list": bytes, "float_list": float}
    name = feature.WhichOneof("kind")
    if name is None:
        return Feature(None, 0)
    return Feature(kinds[name], len(getattr(feature, name).value))


def index_file(path: str, features: Mapping[str, type]) -> Records:
    """Return the records of a TFRecord file of tf.train.Examples; reads it once.

    Args:
        path: of the file, local or remote.
        features: kind, int, bytes or float, of the features that make the columns; each
            record has one value of each.

    Raises:
        errors.DataError: where the file is damaged or has no such features.
    """
    spec = {
        name: tf.io.FixedLenFeature([], _TYPES[kind]) for name, kind in features.items()
    }

    def describe(records: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.strings.length(records), tf.io.parse_example(records, spec)

    try:
        described = (
            tf.data.TFRecordDataset(path, buffer_size=1 << 20)
            .batch(256)
            .map(describe, num_parallel_calls=tf.data.AUTOTUNE)
        )
        steady = dataset_options.without_autotuning(described)
        batches = list(steady.as_numpy_iterator())
    except tf.errors.OpError as error:
        wanted = ", ".join(
            f"{name} ({kind.__name__})" for name, kind in features.items()
        )
        raise errors.DataError(
            f"{path}: expected TFRecords of tf.train.Example with one value each of "
            f"{wanted}: {bad_examples.first_line(error)}"
        ) from error
    empty = np.zeros([0], dtype=np.int64)
    lengths = np.concatenate([empty, *(batch[0] for batch in batches)])
    ends = np.cumsum(lengths + _FRAME_BYTES)
    return Records(
        files=(path,),
        file_numbers=np.zeros(len(lengths), dtype=np.int32),
        offsets=ends - lengths - (_FRAME_BYTES - _HEADER_BYTES),
        lengths=lengths,
        columns={
            name: np.concatenate(
                [np.zeros([0], _ARRAYS[kind]), *(batch[1][name] for batch in batches)]
            )
            for name, kind in features.items()
        },
    )
