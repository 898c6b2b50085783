"""Texts in memory, which start TensorFlow when they are first read."""

import functools
import typing
from collections.abc import Sequence

from kft.data import examples

if typing.TYPE_CHECKING:
    import tensorflow as tf


class TextReader:
    """A `kft.data.examples.Read` of texts in memory."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        """Read texts; row i is `payloads[i]`."""
        self._payloads = payloads

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        """Return the texts of rows int64 [k], tf.string [k]."""
        return self._read(rows)

    @functools.cached_property
    def _read(self) -> examples.Read:
        import tensorflow as tf

        from kft.data.sources import record_reader

        # Outside of the function that may be asking, so that others can have it too.
        with tf.init_scope():
            return record_reader.from_memory(self._payloads)
