"""The split.csv of a run: which example is in which split."""

import csv
import io
from typing import NamedTuple

from kft import errors
from kft.data.examples import SPLITS
from kft.run_folder import regular_file
from kft.run_folder.run_dir import RunDir

_COLUMNS = ("id", "label", "split")


class SplitRow(NamedTuple):
    """An example.

    Attributes:
        id: of the example.
        label: in words.
        split: one of `kft.data.examples.SPLITS`.
    """

    id: str
    label: str
    split: str


def read(run: RunDir) -> tuple[SplitRow, ...]:
    """Return the examples of a run, at least one.

    Raises:
        errors.RunDirError: where the file is missing or damaged.
    """
    try:
        text = regular_file.read(run.split_csv).decode()
        return _parse(text)
    except (OSError, ValueError, csv.Error) as error:
        raise errors.RunDirError(
            f"{run.split_csv} cannot be read as a table of id, label and split: "
            f"{error}. Restore it from a copy, or give the data with --data where a "
            "command takes it."
        ) from error


def _parse(text: str) -> tuple[SplitRow, ...]:
    """Return the rows; raises ValueError naming the line that is damaged."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    head = tuple(next(reader, ()))
    if head != _COLUMNS:
        raise ValueError(f"line 1 is {','.join(head)[:40]!r}")
    rows: list[SplitRow] = []
    for cells in reader:
        if len(cells) != len(_COLUMNS) or cells[2] not in SPLITS:
            raise ValueError(f"line {reader.line_num} is {','.join(cells)[:40]!r}")
        rows.append(SplitRow(*cells))
    if len({row.id for row in rows}) != len(rows) or not rows:
        raise ValueError("an id is there twice" if rows else "it has no example")
    return tuple(rows)
