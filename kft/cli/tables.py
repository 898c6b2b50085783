"""Tables for terminals of any width, and for files."""

import dataclasses
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from kft.cli import terminal

# Between two columns.
_GAP = 3
# A text is not broken into shorter lines before other columns are left out.
_BROKEN_TEXT = 16


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its head.
        cells: one text per row.
        is_text: aligned to the left, and broken into lines where it has to be.
        rank: columns with the highest rank are left out first where the width does not
            suffice; those with rank 0 stay.
    """

    name: str
    cells: Sequence[str]
    is_text: bool = False
    rank: int = 0


def or_dash(value: float | str | None, form: str) -> str:
    """Return the cell of a number or a text in a format, a dash for none."""
    return "-" if value is None else f"{value:{form}}"


def table(columns: Sequence[Column], *, width: int) -> Table:
    """Return a table of the columns that a width, in characters, has room for."""
    shown = list(columns)
    ranks = sorted({column.rank for column in columns if column.rank})
    while _width(shown) > width and ranks:
        rank = ranks.pop()
        shown = [column for column in shown if column.rank != rank]
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in shown:
        drawn.add_column(
            column.name,
            justify="left" if column.is_text else "right",
            no_wrap=not column.is_text,
            overflow="fold",
        )
    for cells in zip(*(column.cells for column in shown), strict=True):
        # A name may look like markup.
        drawn.add_row(*(Text(terminal.printable(cell)) for cell in cells))
    return drawn


def _width(columns: Sequence[Column]) -> int:
    """Return how wide a table has to be; texts may be broken into lines."""
    widths = []
    for column in columns:
        width = max(map(cell_len, (column.name, *column.cells)))
        widths.append(min(width, _BROKEN_TEXT) if column.is_text else width)
    return sum(widths) + _GAP * (len(columns) - 1)
