"""Rows of different length as two arrays."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different length, one after the other.

    Attributes:
        values: [steps of all rows, ...].
        offsets: int64 [rows + 1], ascending from 0; row i is
            values[offsets[i] : offsets[i + 1]].
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_rows(
        cls, rows: Iterable[np.ndarray], *, like: np.ndarray | None = None
    ) -> "Ragged":
        """Return rows [length, ...] put together.

        Args:
            rows: with the same shape but for the length.
            like: has that dtype and shape, for no rows at all; default float32 [0].
        """
        rows = list(rows)
        lengths = [len(row) for row in rows]
        empty = np.zeros([0], np.float32) if like is None else like[:0]
        values = np.concatenate(rows) if rows else empty
        return cls(values, offsets_of(np.array(lengths, np.int64)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        """Return a row, [length, ...]."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Return the length of each row, int64 [rows]."""
        return np.diff(self.offsets)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Ragged":
        """Return these rows, in this order; they may repeat."""
        chosen = np.asarray(rows, np.int64)
        offsets = offsets_of(self.lengths[chosen])
        return Ragged(self.values[self._places(chosen, offsets)], offsets)

    def padded(
        self, rows: Sequence[int] | np.ndarray, length: int, fill: float = 0
    ) -> np.ndarray:
        """Return rows as one array [rows, length, ...], filled up at their end.

        Args:
            rows: which of them.
            length: at least that of the longest of these.
            fill: stands where a row has ended.

        Raises:
            ValueError: for a row that is longer.
        """
        chosen = np.asarray(rows, np.int64)
        lengths = self.lengths[chosen]
        if len(chosen) and lengths.max() > length:
            raise ValueError(f"a row has {lengths.max()} steps, more than {length}")
        shape = (len(chosen), length, *self.values.shape[1:])
        found = np.full(shape, fill, self.values.dtype)
        is_step = np.arange(length) < lengths[:, None]
        found[is_step] = self.values[self._places(chosen, offsets_of(lengths))]
        return found

    def write(self, rows: np.ndarray, padded: np.ndarray) -> None:
        """Put values into rows, as far as these go.

        Args:
            rows: int64 [k], which of them.
            padded: [k, steps, ...], at least as many steps as the longest of these has.
        """
        lengths = self.lengths[rows]
        is_step = np.arange(padded.shape[1]) < lengths[:, None]
        self.values[self._places(rows, offsets_of(lengths))] = padded[is_step]

    def _places(self, rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return where the values of rows stand, that then begin at `offsets`."""
        shift = np.repeat(self.offsets[:-1][rows] - offsets[:-1], np.diff(offsets))
        places: np.ndarray = np.arange(offsets[-1]) + shift
        return places


# A value for each row: an array [rows, ...], or rows of different length.
Rows = np.ndarray | Ragged


def take(values: Rows, rows: np.ndarray) -> Rows:
    """Return the values of these rows, in this order."""
    return values.take(rows) if isinstance(values, Ragged) else values[rows]


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Return where rows of these lengths begin, and where the last ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
