"""Random access to encoded examples, as functions of rows for tf.data."""

import contextlib
import dataclasses
import os
import sys
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from kft.data import examples
from kft.data.sources import filesystem
from kft.data.sources.records import Records

if sys.platform == "win32":
    # Else it reads files as text.
    _FLAGS = os.O_RDONLY | os.O_BINARY
else:
    _FLAGS = os.O_RDONLY
_MOST_OPEN = 64


def from_memory(payloads: Sequence[bytes]) -> examples.Read:
    """Return a `Read` whose row i is payloads[i]."""
    table = tf.constant(np.array(payloads, dtype=object))
    return lambda rows: tf.gather(table, rows)


def payloads(table: Records) -> examples.Read:
    """Return a `Read` whose row i is record i, where that is the payload itself.

    As `serialized`, it keeps nothing in memory.
    """
    records = serialized(table)
    return lambda rows: tf.ensure_shape(records(rows), rows.shape)


def serialized(table: Records) -> examples.Read:
    """Return a `Read` whose row i is record i itself, its bytes as they are.

    Nothing stays in memory: the bytes are read when they are asked for, and the
    system's file cache keeps what there is room for.
    """
    files = _Files(table.files)

    def read_records(rows: np.ndarray) -> np.ndarray:
        return np.array(
            [
                files.read(
                    table.file_numbers[row], table.offsets[row], table.lengths[row]
                )
                for row in rows
            ],
            dtype=object,
        )

    return lambda rows: tf.numpy_function(read_records, [rows], tf.string)


def from_records(table: Records, *features: str, separator: str = "") -> examples.Read:
    """Return a `Read` whose row i is what some bytes features of record i hold.

    As `serialized`, it keeps nothing in memory.

    Args:
        table: where the records lie.
        features: names of the bytes features.
        separator: what stands between several of them.
    """
    records = serialized(table)
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in features}

    def read(rows: tf.Tensor) -> tf.Tensor:
        found = tf.io.parse_example(tf.reshape(records(rows), [-1]), spec)
        if len(features) == 1:
            return found[features[0]]
        return tf.strings.join([found[name] for name in features], separator)

    return read


@dataclasses.dataclass
class _OpenFile:
    """A file that is open, and how many threads read it."""

    descriptor: int
    readers: int = 0


class _Files:
    """Files that are opened when they are read, from several threads.

    The latest stay open; systems let a process have 256 or 1,024 open, and there may
    be more.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        # The one that was read last is the last.
        self._open: dict[int, _OpenFile] = {}
        self._lock = threading.Lock()

    def read(self, number: int, offset: int, length: int) -> bytes:
        path = self._paths[number]
        if filesystem.is_remote(path):
            with tf.io.gfile.GFile(path, "rb") as file:
                file.seek(int(offset))
                content: bytes = file.read(int(length))
                return content
        with self._held(number) as descriptor:
            return self._read_at(descriptor, int(length), int(offset))

    @contextlib.contextmanager
    def _held(self, number: int) -> Iterator[int]:
        """Give the descriptor of a file, which stays open within the block."""
        with self._lock:
            file = self._open.pop(number, None)
            if file is None:
                file = _OpenFile(os.open(self._paths[number], _FLAGS))
            self._open[number] = file
            file.readers += 1
        try:
            yield file.descriptor
        finally:
            with self._lock:
                file.readers -= 1
                self._close_oldest()

    def _close_oldest(self) -> None:
        for number, file in list(self._open.items()):
            if len(self._open) <= _MOST_OPEN:
                return
            if not file.readers:
                os.close(self._open.pop(number).descriptor)

    def _read_at(self, descriptor: int, length: int, offset: int) -> bytes:
        if sys.platform == "win32":
            with self._lock:
                os.lseek(descriptor, offset, os.SEEK_SET)
                return os.read(descriptor, length)
        return os.pread(descriptor, length, offset)

    def __del__(self) -> None:
        for file in self._open.values():
            os.close(file.descriptor)
