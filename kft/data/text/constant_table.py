"""A table from strings to numbers made of constants alone.

A lookup table of TensorFlow is a resource that a SavedModel has to track. This one is
part of the graph: keys are found by a search for their hash, and compared.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

_BUCKETS = 2**62
# Returned for what is no key.
MISSING = -1


class ConstantTable:
    """The position of each key among the keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Make the table.

        Args:
            keys: each once.

        Raises:
            ValueError: where two have the same hash of 62 bits.
        """
        encoded = np.array([key.encode() for key in keys], object)
        with tf.init_scope():
            hashes = _hash(tf.constant(encoded)).numpy()
        order = np.argsort(hashes, kind="stable")
        if len(np.unique(hashes)) < len(hashes):
            raise ValueError("two keys have the same hash")
        self._hashes = hashes[order]
        self._keys = encoded[order]
        self._positions = order.astype(np.int32)

    def lookup(self, keys: tf.Tensor) -> tf.Tensor:
        """Return the position of each key, int32 of the same shape; else MISSING."""
        flat = tf.reshape(keys, [-1])
        found = tf.searchsorted(self._hashes, _hash(flat))
        found = tf.minimum(found, len(self._hashes) - 1)
        same = tf.gather(self._keys, found) == flat
        positions = tf.where(same, tf.gather(self._positions, found), MISSING)
        return tf.reshape(positions, tf.shape(keys))


def _hash(keys: tf.Tensor) -> tf.Tensor:
    # FarmHash's Fingerprint64, which stays the same in all versions.
    return tf.strings.to_hash_bucket_fast(keys, _BUCKETS)
