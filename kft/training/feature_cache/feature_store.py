"""Outputs of a frozen trunk, kept once and read by row."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kft.data.examples import Examples
from kft.data.pipeline import Stored
from kft.data.ragged import Ragged, Rows, offsets_of


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """What a trunk makes of the examples of one split, in their order.

    Attributes:
        arrays: one per tensor of the cut, rows for each view of each example: in
            memory, or mapped from files. Of a tensor with steps only the real ones are
            stored, without what the batch was padded with.
        layout: what they are.
    """

    arrays: tuple[Rows, ...]
    layout: "Layout"

    def of(self, examples: Examples) -> tuple[Examples, Stored]:
        """Return the split with its features in place of its encoded examples."""
        rows = np.arange(len(examples))
        # AutoGraph would warn that it cannot read it (TensorFlow 2.21).
        read = tf.autograph.experimental.do_not_convert(self.read)
        return dataclasses.replace(examples, rows=rows), Stored(read)

    def read(self, rows: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return the features of rows, [k, ...] each, as tf.data can pass them on.

        Args:
            rows: int64 [k].
            length: int64 [], what the inputs of this batch are padded to.
        """
        # Not a list: tf.data would stack that to one tensor.
        return tuple(
            self._read(array, tensor, rows, length)
            for array, tensor in zip(self.arrays, self.layout.tensors, strict=True)
        )

    def _read(
        self, array: Rows, kind: "CutTensor", rows: tf.Tensor, length: tf.Tensor
    ) -> tf.Tensor:
        # One call per array: a list of one array is unpacked once too often in eager
        # mode (TensorFlow 2.21).
        if isinstance(array, Ragged):
            found = tf.numpy_function(
                lambda r, n: array.padded(r, int(kind.steps(n))),
                [rows, length],
                array.values.dtype,
                stateful=False,
            )
            found.set_shape([rows.shape[0], None, *array.values.shape[1:]])
        else:
            found = tf.numpy_function(
                lambda r: array[r], [rows], array.dtype, stateful=False
            )
            found.set_shape([rows.shape[0], *array.shape[1:]])
        return _restored(found, kind.dtype)

    def write(self, rows: np.ndarray, tensors: Sequence[np.ndarray]) -> None:
        """Store the features of examples.

        Args:
            rows: int64 [k], theirs.
            tensors: of the cut, [k, ...] each, as a batch has them.
        """
        for array, tensor in zip(self.arrays, tensors, strict=True):
            if isinstance(array, Ragged):
                array.write(rows, _bits(tensor, array.values.dtype))
            else:
                array[rows] = _bits(tensor, array.dtype)

    @property
    def bytes(self) -> int:
        """Return the size of all arrays."""
        return sum(
            array.values.nbytes if isinstance(array, Ragged) else array.nbytes
            for array in self.arrays
        )

    @property
    def is_exact(self) -> bool:
        """Return whether they are stored as the trunk has given them."""
        return self.layout.stored is None

    @property
    def is_on_disk(self) -> bool:
        """Return whether reading them reads files."""
        return any(
            isinstance(a.values if isinstance(a, Ragged) else a, np.memmap)
            for a in self.arrays
        )


def _bits(tensor: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a tensor as it is stored; a store has no bfloat16, only its bits."""
    return tensor.view(np.uint16) if dtype == np.uint16 else tensor


def _restored(tensor: tf.Tensor, dtype: str) -> tf.Tensor:
    """Return stored values as the tail expects them."""
    if tensor.dtype == tf.uint16 and dtype == "bfloat16":
        return tf.bitcast(tensor, tf.bfloat16)
    return tf.cast(tensor, dtype)


@dataclasses.dataclass(frozen=True)
class CutTensor:
    """A tensor of a cut, for one example.

    Attributes:
        shape: without the batch, and without the steps where it has some.
        dtype: as the tail expects it.
        stride: how many steps of the input become one of its own; None where it has no
            steps, and one shape for all examples.
    """

    shape: tuple[int, ...]
    dtype: str
    stride: int | None = None

    def steps(self, length: np.ndarray) -> np.ndarray:
        """Return how many of its steps come of an input of so many.

        Raises:
            ValueError: where it has no steps.
        """
        if self.stride is None:
            raise ValueError(f"a tensor {list(self.shape)} without steps")
        count: np.ndarray = -(-length // self.stride)
        return count


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the features of one example are, and how they are stored.

    Attributes:
        tensors: of the cut.
        stored: numpy dtype of float tensors in the store; None for as they are.
    """

    tensors: tuple[CutTensor, ...]
    stored: str | None

    def stored_dtypes(self) -> list[np.dtype]:
        """Return the dtype of each array of the store."""
        return [self._stored_dtype(tensor.dtype) for tensor in self.tensors]

    def _stored_dtype(self, dtype: str) -> np.dtype:
        if self.stored and tf.as_dtype(dtype).is_floating:
            return np.dtype(self.stored)
        # .npy files have no bfloat16; its bits are kept as they are.
        return np.dtype(
            np.uint16 if dtype == "bfloat16" else tf.as_dtype(dtype).as_numpy_dtype
        )

    def bytes(self, rows: "StoreRows") -> int:
        """Return the size of the features of so many rows."""
        return sum(
            math.prod(self.array_shape(tensor, rows)) * dtype.itemsize
            for tensor, dtype in zip(self.tensors, self.stored_dtypes(), strict=True)
        )

    def array_shape(self, tensor: CutTensor, rows: "StoreRows") -> tuple[int, ...]:
        """Return the shape of the array that holds a tensor of so many rows."""
        if tensor.stride is None:
            return (rows.count, *tensor.shape)
        return (int(tensor.steps(rows.known_lengths()).sum()), *tensor.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class StoreRows:
    """The rows of a store: a row for each view of each example.

    Attributes:
        count: how many.
        lengths: int64 [count], steps of the inputs; None where all have one shape.
    """

    count: int
    lengths: np.ndarray | None = None

    def known_lengths(self) -> np.ndarray:
        """Return the lengths.

        Raises:
            ValueError: where there are none.
        """
        if self.lengths is None:
            raise ValueError("a cut has steps, and nothing says how long inputs are")
        return self.lengths


def features(layout: Layout, rows: StoreRows, arrays: Sequence[np.ndarray]) -> Features:
    """Return features whose arrays are these, one for each tensor of the cut."""
    found: list[Rows] = []
    for tensor, array in zip(layout.tensors, arrays, strict=True):
        if tensor.stride is None:
            found.append(array)
        else:
            steps = tensor.steps(rows.known_lengths())
            found.append(Ragged(array, offsets_of(steps)))
    return Features(tuple(found), layout)


def in_memory(layout: Layout, rows: StoreRows) -> Features:
    """Return empty features that live in memory."""
    dtypes = layout.stored_dtypes()
    arrays = [
        np.empty(layout.array_shape(tensor, rows), dtype)
        for tensor, dtype in zip(layout.tensors, dtypes, strict=True)
    ]
    return features(layout, rows, arrays)
