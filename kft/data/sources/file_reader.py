"""Files of examples; their paths are known without TensorFlow, which reads them."""

import functools
import os
import typing
from collections.abc import Sequence

if typing.TYPE_CHECKING:
    import tensorflow as tf


class Files:
    """A `Read` whose row i is the content of paths[i], of local or remote files.

    Attributes:
        paths: of the files, one for each row.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        """Return the contents of the files at these rows, tf.string [k]."""
        import tensorflow as tf

        chosen = tf.gather(self._table, rows)
        if chosen.shape[0] is None:
            return tf.map_fn(tf.io.read_file, chosen)
        # One op for each file of the batch, so that they are read side by side.
        return tf.stack([tf.io.read_file(path) for path in tf.unstack(chosen)])

    @functools.cached_property
    def _table(self) -> "tf.Tensor":
        import tensorflow as tf

        # Outside of the function that may be asking, so that others can have it too.
        with tf.init_scope():
            return tf.constant([os.fsencode(path) for path in self.paths])
