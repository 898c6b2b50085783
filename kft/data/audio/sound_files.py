"""Files of sounds as a run reads them: of each no more than the windows hold."""

import io
import os
import typing
from collections.abc import Sequence

import numpy as np

from kft import errors
from kft.data.audio import audio_decode
from kft.data.audio.windows import Windows
from kft.data.sources import filesystem

if typing.TYPE_CHECKING:
    import tensorflow as tf

_WAV = b"RIFF"
# Bytes of a file that is taken as it is, without looking at how long its sound is.
_SMALL = 1_000_000


class SoundFiles:
    """A `Read` whose row i is a sound, encoded.

    The file itself where it is a small WAV, else a WAV of what the windows hold.
    """

    def __init__(
        self,
        paths: Sequence[str],
        windows: Windows,
        spans: Sequence[tuple[float, float | None]] | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            paths: of the files, one for each row.
            windows: what of a sound is read.
            spans: where each begins and ends in its file, in seconds; None for all of
                every file.
        """
        self._paths = tuple(paths)
        self._windows = windows
        self._spans = spans

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        """Return the sounds at these rows, tf.string [k]."""
        import tensorflow as tf

        found = tf.numpy_function(self._contents, [rows], tf.string, stateful=False)
        return tf.ensure_shape(found, rows.shape)

    def _contents(self, rows: np.ndarray) -> np.ndarray:
        return np.array([self._content(int(row)) for row in rows], dtype=object)

    def _content(self, row: int) -> bytes:
        import tensorflow as tf

        span = self._spans[row] if self._spans is not None else (0.0, None)
        try:
            return read(self._paths[row], self._windows, span)
        except errors.DataError as error:
            # As ops say that an example cannot be read.
            raise tf.errors.InvalidArgumentError(None, None, str(error)) from error


def read(
    path: str, windows: Windows, span: tuple[float, float | None] = (0.0, None)
) -> bytes:
    """Return the file itself where it is a small WAV, else a WAV of what windows hold.

    Args:
        path: of the file.
        windows: what of the sound is read.
        span: where it begins and ends in the file, in seconds; None for its end.

    Raises:
        errors.DataError: where it is no sound, or ends before it begins.
    """
    source = _remote(path) if filesystem.is_remote(path) else os.fsencode(path)
    if span == (0.0, None) and isinstance(source, bytes):
        content = _short_wav(source)
        if content is not None:
            return content
    content = audio_decode.part(source, windows, *span)
    if content is not None:
        return content
    return source.getvalue() if isinstance(source, io.BytesIO) else _read(source)


def _short_wav(path: bytes) -> bytes | None:
    """Return the content of a WAV file that is small, None for any other file."""
    try:
        if os.stat(path).st_size > _SMALL:
            return None
        content = _read(path)
    except OSError:
        # The decoder says what is wrong with it.
        return None
    return content if content.startswith(_WAV) else None


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _remote(path: str) -> io.BytesIO:
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        return io.BytesIO(file.read())
