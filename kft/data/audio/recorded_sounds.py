"""Sounds in files that each hold many: of each no more than the windows hold."""

import io
import typing
from collections.abc import Callable

import numpy as np

from kft import errors
from kft.data.audio import audio_decode
from kft.data.audio.windows import Windows
from kft.data.sources.records import Records

if typing.TYPE_CHECKING:
    import tensorflow as tf


def bounded(content: bytes, windows: Windows) -> bytes:
    """Return an encoded sound, or where it is longer what the windows hold of it.

    Raises:
        errors.DataError: where it is no sound.
    """
    part = audio_decode.part(io.BytesIO(content), windows)
    return content if part is None else part


class RecordedSounds:
    """A `Read` whose row i is the sound of record i, encoded."""

    def __init__(
        self,
        records: Records,
        windows: Windows,
        encoded: Callable[[bytes, Windows], bytes] = bounded,
    ) -> None:
        """Read nothing yet.

        Args:
            records: where they lie.
            windows: what of a sound is read.
            encoded: returns the sound of a record, as an encoded file.
        """
        from kft.data.sources import record_reader

        self._records = record_reader.serialized(records)
        self._encoded_sound = encoded
        self._windows = windows

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        """Return the sounds at these rows, tf.string [k]."""
        import tensorflow as tf

        found = tf.numpy_function(
            self._encoded, [self._records(rows)], tf.string, stateful=False
        )
        return tf.ensure_shape(found, rows.shape)

    def _encoded(self, records: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        try:
            found = [self._encoded_sound(record, self._windows) for record in records]
        except errors.DataError as error:
            # As ops say that an example cannot be read.
            raise tf.errors.InvalidArgumentError(None, None, str(error)) from error
        return np.array(found, dtype=object)
