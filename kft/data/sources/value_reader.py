"""Values that a program can index, read as the payloads of examples."""

import typing
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

if typing.TYPE_CHECKING:
    import tensorflow as tf


class ValueReader:
    """A `kft.data.examples.Read` of values in memory, encoded when they are read."""

    def __init__(self, values: Sequence[Any], encode: Callable[[Any], bytes]) -> None:
        """Read values; the payload of row i is `encode(values[i])`."""
        self._values = values
        self._encode = encode

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        """Return the payloads of rows int64 [k], tf.string [k]."""
        import tensorflow as tf

        read = tf.numpy_function(self._payloads, [rows], tf.string)
        return tf.ensure_shape(read, rows.shape)

    def _payloads(self, rows: np.ndarray) -> np.ndarray:
        found = [self._encode(self._values[row]) for row in rows]
        return np.array(found, dtype=object)
