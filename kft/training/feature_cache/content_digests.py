"""Digests of the payloads that stored features were made of.

Names and sizes do not tell that an example was changed in place, and times of files are
copied along with them. So the pass through the trunk digests what it reads, and whoever
takes the features reads the payloads once more: that takes a small part of the time
that decoding them does.
"""

import dataclasses
import hashlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kft.data import dataset_options
from kft.data.examples import Examples

_BYTES = 16


class ContentDigests:
    """The digest of each example of a split, as far as this process reads it."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples
        self._order = np.argsort(examples.rows)
        self._rows = examples.rows[self._order]
        self.digests = np.zeros([len(examples), _BYTES], np.uint8)
        """uint8 [n, 16]; zeros for examples that were not read here."""

    def noting(self) -> Examples:
        """Return the same examples; whenever one is read, its digest is noted."""
        read = self._examples.read

        def read_and_note(rows: tf.Tensor) -> tf.Tensor:
            payloads = read(rows)
            noted = tf.numpy_function(self._note, [rows, payloads], [])
            with tf.control_dependencies([noted]):
                return tf.identity(payloads)

        return dataclasses.replace(self._examples, read=read_and_note)

    def _note(self, rows: np.ndarray, payloads: np.ndarray) -> None:
        positions = self._order[np.searchsorted(self._rows, rows)]
        for position, payload in zip(positions, payloads, strict=True):
            self.digests[position] = _digest(payload)

    def match(self, stored: np.ndarray, *, advance: Callable[[int], None]) -> bool:
        """Return whether the examples are those that stored digests were noted of.

        Args:
            stored: as `digests`; zeros are not compared.
            advance: told how many examples have been read.
        """
        if stored.shape != self.digests.shape:
            return False
        known = stored.any(axis=1)
        try:
            self._read(np.flatnonzero(known & ~self.digests.any(axis=1)), advance)
        except tf.errors.OpError:
            # The pass that makes them again meets it too, and says which one it is.
            return False
        return np.array_equal(self.digests[known], stored[known])

    def _read(self, positions: np.ndarray, advance: Callable[[int], None]) -> None:
        """Read the examples at these positions, and note their digests."""
        read = self._examples.read
        rows = tf.data.Dataset.from_tensor_slices(self._examples.rows[positions])
        payloads = rows.map(
            lambda row: read(row[None])[0],
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        ).prefetch(tf.data.AUTOTUNE)
        payloads = dataset_options.without_autotuning(payloads)
        found = zip(positions, payloads.as_numpy_iterator(), strict=True)
        for count, (position, payload) in enumerate(found, start=1):
            self.digests[position] = _digest(payload)
            advance(count)


def _digest(payload: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(payload).digest()[:_BYTES], np.uint8)
