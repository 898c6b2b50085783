"""The confusion matrix as a page shows it: numbers for few classes, a map for many."""

import base64
import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# More columns of numbers than these do not fit on a screen.
_MOST_NUMBERS = 25
# Dots along a cell of the map at its full size, so that a name fits beside each row.
_CELL = 11
_LONGEST_NAME = 24


@dataclasses.dataclass(frozen=True)
class Cell:
    """A count, and its share of the row's examples in [0, 1]."""

    count: int
    share: float
    is_hit: bool


@dataclasses.dataclass(frozen=True)
class ConfusionRow:
    """The examples of a class."""

    label: str
    cells: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True)
class Map:
    """The matrix as a drawing with a dot for each cell.

    Attributes:
        drawing: its address, with the whole of it inside.
        names: of the classes, shortened.
        cell: dots along a cell at full size.
        margin: dots for the names, at full size.
    """

    drawing: str
    names: tuple[str, ...]
    cell: int
    margin: int

    @property
    def side(self) -> int:
        """Return the dots along a side of the whole, at full size."""
        return self.margin + self.cell * len(self.names)


def table(
    confusion: Sequence[Sequence[int]], names: Sequence[str]
) -> list[ConfusionRow] | None:
    """Return the rows of a table of numbers; None for too many classes."""
    if len(names) > _MOST_NUMBERS:
        return None
    shares = _shares(np.array(confusion))
    return [
        ConfusionRow(
            label=name,
            cells=tuple(
                Cell(int(count), float(shares[i, j]), i == j)
                for j, count in enumerate(confusion[i])
            ),
        )
        for i, name in enumerate(names)
    ]


def draw(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> Map | None:
    """Return the map; None where `table` has rows."""
    if len(names) <= _MOST_NUMBERS:
        return None
    shares = _shares(np.array(confusion))
    hits = np.diag(np.diag(shares))
    shortened = tuple(_shortened(name) for name in names)
    return Map(
        drawing=_drawing(hits, shares - hits),
        names=shortened,
        cell=_CELL,
        margin=12 + 6 * max(map(len, shortened)),
    )


def _drawing(hits: np.ndarray, misses: np.ndarray) -> str:
    """Return a see-through PNG of two matrices [n, n] in [0, 1], a dot a cell.

    Args:
        hits: how blue a cell is.
        misses: how orange it is; a cell has one of both.
    """
    cells = np.zeros((*hits.shape, 4))
    cells[hits > 0, :3] = (40, 120, 200)
    cells[misses > 0, :3] = (220, 90, 0)
    # What is there at all can be seen.
    strength = np.maximum(hits, misses)
    cells[..., 3] = np.where(strength > 0, 60 + 195 * np.sqrt(strength), 0)
    png = tf.io.encode_png(cells.astype(np.uint8), compression=9).numpy()
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return each row divided by its examples."""
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
