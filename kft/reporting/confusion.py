"""The confusion matrix as a page shows it: numbers for few classes, a map for many."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kft.reporting import inline_images

# More columns of numbers than these do not fit on a screen.
_MOST_NUMBERS = 25
# Pixels of a cell of the map at its full size, so that a name fits beside each row.
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
    """The matrix as an image with a pixel for each cell.

    Attributes:
        image: its address.
        names: of the classes, shortened.
        cell: pixels of a cell at full size.
        margin: pixels for the names, at full size.
    """

    image: str
    names: tuple[str, ...]
    cell: int
    margin: int

    @property
    def side(self) -> int:
        """Return the side of the whole drawing in pixels, at full size."""
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
        image=inline_images.matrix(hits, shares - hits),
        names=shortened,
        cell=_CELL,
        margin=12 + 6 * max(map(len, shortened)),
    )


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return each row divided by its examples."""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def sparse(confusion: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Return (row, column, count) of the cells that are not 0."""
    counts = np.array(confusion)
    return [(int(i), int(j), int(counts[i, j])) for i, j in np.argwhere(counts)]
