"""The split.csv of a run: which example is in which split."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kft import errors
from kft.data import label_arrays
from kft.data.examples import SPLITS, Splits
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


def text(splits: Splits) -> str:
    """Return the content of the file: a row for each example."""
    return to_text(rows(splits))


def to_text(rows: Iterable[SplitRow]) -> str:
    """Return the content of a file with these rows, which `--split_file` takes."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return file.getvalue()


def rows(splits: Splits) -> Iterator[SplitRow]:
    """Yield the examples of a data set, split after split."""
    for split, part in splits.parts().items():
        labels = label_arrays.texts(part.labels, splits.labels)
        for name, label in zip(part.ids.tolist(), labels, strict=True):
            yield SplitRow(name, label, split)


def _parse(text: str) -> tuple[SplitRow, ...]:
    """Return the rows; raises ValueError naming the line that is damaged."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    head = tuple(next(reader, ()))
    if head != _COLUMNS:
        raise ValueError(f"line 1 is {','.join(head)[:40]!r}")
    found: list[SplitRow] = []
    for cells in reader:
        if len(cells) != len(_COLUMNS) or cells[2] not in SPLITS:
            raise ValueError(f"line {reader.line_num} is {','.join(cells)[:40]!r}")
        found.append(SplitRow(*cells))
    if len({row.id for row in found}) != len(found) or not found:
        raise ValueError("an id is there twice" if found else "it has no example")
    return tuple(found)
