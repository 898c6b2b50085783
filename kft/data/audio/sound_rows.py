"""Rows of a table that are sounds: a file, or a part of one from `start` to `end`.

Parts of one file are of one recording: unless the table itself says what belongs
together, they stay in one split.
"""

import collections
import math
from collections.abc import Iterable, Sequence

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data.sources import csv_file, labelled_rows, path_ids
from kft.data.sources.labelled_rows import Columns, LabelledRow
from kft.data.sources.table_file import TableRow

_START, _END = "start", "end"
_SHOWN = 3
# Where a sound begins and ends in its file, in seconds.
Span = tuple[float, float | None]


def columns(label: str = "label") -> Columns:
    """Return the columns of a table of sounds.

    Args:
        label: what the column of what is to be learned is called.
    """
    return Columns("path", label, others=(_START, _END))


def read(
    path: str, config: config_lib.DataConfig, *, label: str = "label"
) -> list[LabelledRow]:
    """Return the rows of a table of sounds; see `labelled_rows.read`.

    Args:
        path: of the table.
        config: of the data.
        label: what the column of what is to be learned is called.
    """
    rows = labelled_rows.read(path, columns(label), config)
    return [csv_file.with_slashes(row, path) for row in rows]


def ids(table: str, rows: Sequence[TableRow]) -> list[str]:
    """Return the id of each row: the path, and where it is a part, that.

    Raises:
        errors.DataError: where a row is listed twice, or is no part of a file.
    """
    names = _file_names(table, rows)
    first: dict[str, TableRow] = {}
    found = []
    for name, row in zip(names, rows, strict=True):
        begin, end = span(row)
        if end is not None:
            name = f"{name}#{begin:g}-{end:g}"
        elif begin:
            name = f"{name}#{begin:g}"
        if name in first:
            raise errors.DataError(
                f"{row.place}: expected each sound once, received {name!r} as in "
                f"{first[name].seen_from(row)}. Remove one of them."
            )
        first[name] = row
        found.append(name)
    return found


def groups(table: str, rows: Sequence[TableRow]) -> np.ndarray | None:
    """Return the group of each row, str [n]; None where nothing belongs together.

    That is the table's own, and of a row that has none the file, where files have
    several parts.
    """
    named, names = labelled_rows.groups_of(rows), _file_names(table, rows)
    if len(set(names)) == len(names):
        return named
    return np.array(names) if named is None else np.where(named == "", names, named)


def say_divided(
    table: str, rows: Sequence[TableRow], split_names: Iterable[str], *, flag: str
) -> None:
    """Warn of files with parts in more than one of the splits that a table names."""
    splits = collections.defaultdict(set)
    for name, split in zip(_file_names(table, rows), split_names, strict=True):
        splits[name].add(split)
    divided = [name for name, found in splits.items() if len(found) > 1]
    if divided:
        logging.warning(
            "%s: %d of %d files have parts in more than one split (%s): figures are "
            "better than of new recordings.",
            *(flag, len(divided), len(splits), errors.listed(divided, most=_SHOWN)),
        )


def _file_names(table: str, rows: Sequence[TableRow]) -> list[str]:
    """Return what files are called wherever they and the table are."""
    return path_ids.of(csv_file.normal_names(rows), csv_file.table_folder(table))


def span(row: TableRow) -> Span:
    """Return where a row's sound begins and ends in its file, in seconds.

    Raises:
        errors.DataError: where that cannot be.
    """
    values = [_seconds(row, name) for name in (_START, _END)]
    begin, end = values[0] or 0.0, values[1]
    if end is not None and end <= begin:
        raise errors.DataError(
            f"{row.place}: expected an end behind the start, received start {begin:g} "
            f"and end {end:g} s."
        )
    return begin, end


def _seconds(row: TableRow, name: str) -> float | None:
    text = row.values.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise errors.DataError(
            f"{row.place}: expected seconds as {name}, such as 1.5, received {text!r}."
        )
    return value
