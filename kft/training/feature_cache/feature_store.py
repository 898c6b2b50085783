"""Outputs of a frozen trunk, stored once and read by row."""

import contextlib
import dataclasses
import errno
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from kft.data.examples import Examples

_COMPLETE = "complete"
# A folder that nothing was written to for so long is that of a process that is gone.
_ABANDONED_SECONDS = 24 * 3600


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """What a trunk makes of the examples of one split, in their order.

    Attributes:
        arrays: one per tensor of the cut, [views * examples, ...]; in memory, or mapped
            from files.
        dtypes: what the tail expects of each.
    """

    arrays: tuple[np.ndarray, ...]
    dtypes: tuple[str, ...]

    def examples(self, examples: Examples) -> Examples:
        """Return the split with its features in place of its encoded examples."""
        return Examples(
            examples.ids, examples.labels, np.arange(len(examples)), self.read
        )

    def read(self, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return the features of rows, [k, ...] each, as tf.data can pass them on."""
        # One call per array: a list of one array is unpacked once too often in eager
        # mode (TensorFlow 2.21).
        tensors = [
            tf.numpy_function(lambda r, a=a: a[r], [rows], a.dtype, stateful=False)
            for a in self.arrays
        ]
        found = []
        for tensor, array, dtype in zip(tensors, self.arrays, self.dtypes, strict=True):
            tensor.set_shape([rows.shape[0], *array.shape[1:]])
            found.append(_restored(tensor, dtype))
        # Not a list: tf.data would stack that to one tensor.
        return tuple(found)

    def write(self, first: int, tensors: Sequence[np.ndarray]) -> None:
        """Store the features of examples in a row, beginning at row `first`."""
        for array, tensor in zip(self.arrays, tensors, strict=True):
            if array.dtype == np.uint16:
                tensor = tensor.view(np.uint16)
            array[first : first + len(tensor)] = tensor

    @property
    def bytes(self) -> int:
        """Return the size of all arrays."""
        return sum(array.nbytes for array in self.arrays)


def _restored(tensor: tf.Tensor, dtype: str) -> tf.Tensor:
    """Return stored values as the tail expects them."""
    if tensor.dtype == tf.uint16 and dtype == "bfloat16":
        return tf.bitcast(tensor, tf.bfloat16)
    return tf.cast(tensor, dtype)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Shapes of the features of one example, and how they are stored.

    Attributes:
        shapes: of each tensor of the cut, without the batch.
        dtypes: of each tensor as the tail expects it.
        stored: numpy dtype of float tensors in the store; None for as they are.
    """

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    stored: str | None

    def stored_dtypes(self) -> list[np.dtype]:
        """Return the dtype of each array of the store."""
        return [self._stored_dtype(dtype) for dtype in self.dtypes]

    def _stored_dtype(self, dtype: str) -> np.dtype:
        if self.stored and tf.as_dtype(dtype).is_floating:
            return np.dtype(self.stored)
        # .npy files have no bfloat16; its bits are kept as they are.
        return np.dtype(
            np.uint16 if dtype == "bfloat16" else tf.as_dtype(dtype).as_numpy_dtype
        )

    def bytes_per_example(self) -> int:
        """Return the size of one stored view of one example."""
        sizes = zip(self.shapes, self.stored_dtypes(), strict=True)
        return sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in sizes)


def in_memory(layout: Layout, rows: int) -> Features:
    """Return empty features that live in memory."""
    arrays = [
        np.empty((rows, *shape), dtype)
        for shape, dtype in zip(layout.shapes, layout.stored_dtypes(), strict=True)
    ]
    return Features(tuple(arrays), layout.dtypes)


class DiskStore:
    """Features in files below one folder per key; a folder is whole or does not count.

    A folder is filled under another name and renamed when it is complete, so a killed
    run leaves nothing that a later one could take for features. Several processes, also
    of different machines or containers, may fill the same key: the first to complete
    its folder wins, the others read their own files until they end.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._folder = root / key
        self._partial = root / f"{key}.partial-{uuid.uuid4().hex}"

    @property
    def folder(self) -> Path:
        """Return where the complete features are."""
        return self._folder

    def is_complete(self) -> bool:
        """Return whether the folder holds features that count."""
        return (self._folder / _COMPLETE).is_file()

    def load(
        self, layouts: dict[str, tuple[Layout, int]]
    ) -> dict[str, Features] | None:
        """Return the features by name, or None where they are not there, or not whole.

        Args:
            layouts: for each name, the layout and the number of rows.
        """
        if not self.is_complete():
            return None
        try:
            return {
                name: self._map(self._folder, name, layout, rows, "r")
                for name, (layout, rows) in layouts.items()
            }
        except FileNotFoundError:
            # Another process removes them at this moment.
            return None

    def create(self, layouts: dict[str, tuple[Layout, int]]) -> dict[str, Features]:
        """Return empty features in files; `complete` makes them count.

        What processes that are gone have left of the same key is removed.
        """
        self._remove_abandoned()
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        return {
            name: self._map(self._partial, name, layout, rows, "w+")
            for name, (layout, rows) in layouts.items()
        }

    def complete(self) -> None:
        """Sync the files and give their folder its final name.

        Where another process was quicker, its folder stays and this one is removed.
        Whoever has mapped the files goes on reading them in either case.
        """
        for path in self._partial.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        (self._partial / _COMPLETE).touch()
        if not self.is_complete():
            # What a removal that was stopped half-way has left.
            shutil.rmtree(self._folder, ignore_errors=True)
        try:
            # Never onto a folder with something in it.
            os.replace(self._partial, self._folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            self.discard()

    def discard(self) -> None:
        """Remove what was begun and not completed."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def _remove_abandoned(self) -> None:
        """Remove what others have begun of this key and not touched for a day."""
        oldest = time.time() - _ABANDONED_SECONDS
        for folder in self._folder.parent.glob(f"{self._folder.name}.partial-*"):
            # Gone before it was looked at: its process has completed or removed it.
            with contextlib.suppress(FileNotFoundError):
                touched = max(p.stat().st_mtime for p in (folder, *folder.iterdir()))
                if touched < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _map(
        self, folder: Path, name: str, layout: Layout, rows: int, mode: str
    ) -> Features:
        arrays = []
        for rank, (shape, dtype) in enumerate(
            zip(layout.shapes, layout.stored_dtypes(), strict=True)
        ):
            path = folder / f"{name}-{rank}.npy"
            if mode == "r":
                arrays.append(np.load(path, mmap_mode="r", allow_pickle=False))
            else:
                arrays.append(
                    np.lib.format.open_memmap(
                        path, mode=mode, dtype=dtype, shape=(rows, *shape)
                    )
                )
        return Features(tuple(arrays), layout.dtypes)
