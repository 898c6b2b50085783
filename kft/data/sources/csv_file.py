"""Files that a table lists: columns path and label, and maybe split and group.

Paths are relative to the table. Without a split column the splits are cut by a hash, by
that of the group where there is one, so that no group is in two splits.
"""

import dataclasses
import os
import posixpath
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.labels import LabelMap
from kft.data.sources import (
    file_reader,
    filesystem,
    labelled_rows,
    missing_files,
    path_ids,
    same_files,
)
from kft.data.sources.filesystem import FileIdentity
from kft.data.sources.labelled_rows import Columns, LabelledRow, RowClasses
from kft.data.sources.table_file import TableRow

Row = TypeVar("Row", bound=TableRow)
COLUMNS = Columns("path")


def check(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in the table without looking for the files.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        labelled_rows.classes(_rows(path, config), config)


def load(path: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of a table.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, or a file is not there.
    """
    rows = _rows(path, config)
    found = labelled_rows.classes(rows, config)
    return splits.assemble(found.labels, table_of(path, rows, found, config), config)


def load_known(
    path: str, config: config_lib.DataConfig, known: LabelMap
) -> examples.Labelled:
    """Return the examples of a table for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    rows = _rows(path, config)
    found = labelled_rows.classes(rows, config, known=known)
    return splits.uncut(found.labels, table_of(path, rows, found, config))


def table_of(
    path: str,
    rows: Sequence[TableRow],
    found: RowClasses,
    config: config_lib.DataConfig,
) -> examples.Table:
    """Return the files of rows.

    Args:
        path: of the table, to whose folder paths are relative.
        rows: whose paths `check_once` has seen.
        found: their classes.
        config: of the data.

    Raises:
        errors.DataError: where a file is not there.
    """
    names = _names(rows)
    paths = [join(path, name) for name in names]
    files = find_files(path, rows, paths, config)
    labelled_rows.warn(files.cautions, config)
    return examples.Table(
        ids=np.array(_ids(names, path, rows)),
        labels=found.targets,
        sizes=files.sizes,
        split_names=found.split_names,
        read=file_reader.Files(paths),
        groups=found.groups,
    )


def _rows(path: str, config: config_lib.DataConfig) -> list[LabelledRow]:
    """Return the rows, see `labelled_rows.read`; no path is listed twice."""
    rows = labelled_rows.read(path, COLUMNS, config)
    rows = [with_slashes(row, path) for row in rows]
    check_once(path, rows)
    return rows


def check_once(path: str, rows: Sequence[TableRow]) -> None:
    """Check that each file is listed once.

    Raises:
        errors.DataError: naming the line that has it again.
    """
    _ids(_names(rows), path, rows)


def with_slashes(row: Row, table: str) -> Row:
    """Return the row with the path as written on Windows in the spelling of others."""
    name = row.values["path"]
    if "\\" not in name or os.path.lexists(join(table, name)):
        return row
    values = {**row.values, "path": name.replace("\\", "/")}
    return dataclasses.replace(row, values=values)


def _names(rows: Sequence[TableRow]) -> list[str]:
    """Return the paths in one spelling.

    Raises:
        errors.DataError: where one is listed twice.
    """
    names = normal_names(rows)
    _check_once(names, rows)
    return names


def normal_names(rows: Sequence[TableRow]) -> list[str]:
    """Return the paths in one spelling, local ones without `./` and the like."""
    paths = [row.values["path"] for row in rows]
    return [p if filesystem.is_remote(p) else posixpath.normpath(p) for p in paths]


def _ids(names: Sequence[str], table: str, rows: Sequence[TableRow]) -> list[str]:
    """Return the ids of the paths, see `path_ids`.

    Raises:
        errors.DataError: where two paths lead to one file.
    """
    ids = path_ids.of(names, table_folder(table))
    _check_once(ids, rows)
    return ids


def table_folder(table: str) -> str:
    """Return the folder of a table, of a local one its absolute path."""
    folder = posixpath.dirname(filesystem.expand(table))
    return folder if filesystem.is_remote(table) else os.path.abspath(folder)


def _check_once(names: Sequence[str], rows: Sequence[TableRow]) -> None:
    first: dict[str, TableRow] = {}
    for name, row in zip(names, rows, strict=True):
        if name in first:
            raise errors.DataError(
                f"{row.place}: expected each path once, received "
                f"{row.values['path']!r} as in {first[name].seen_from(row)}. "
                "Remove one of them."
            )
        first[name] = row


def join(table: str, name: str) -> str:
    """Return where a file is that a table names."""
    name = filesystem.expand(name)
    if filesystem.is_remote(name):
        return name
    folder = posixpath.dirname(filesystem.expand(table))
    return posixpath.join(folder, name)


@dataclasses.dataclass(frozen=True)
class FoundFiles:
    """What is known of the files of a table without reading them.

    Attributes:
        sizes: bytes of each, int64 [n]; 0 for remote ones, and for bad ones.
        cautions: what to know of them, sentences.
    """

    sizes: np.ndarray
    cautions: tuple[str, ...]


def find_files(
    table: str,
    rows: Sequence[TableRow],
    paths: Sequence[str],
    config: config_lib.DataConfig,
) -> FoundFiles:
    """Look for the files at local paths.

    Raises:
        errors.DataError: for files that are not there, where bad ones are not skipped.
    """
    sizes, missing = np.zeros(len(paths), np.int64), []
    identities: list[FileIdentity] = [None] * len(paths)
    for place, path in enumerate(paths):
        if filesystem.is_remote(path):
            continue
        try:
            found = os.stat(path)
        except OSError as error:
            missing.append((rows[place], path, error.strerror))
        else:
            sizes[place] = found.st_size
            identities[place] = filesystem.identity(found)
    if missing and not config.skips_bad_examples:
        row, path, reason = missing[0]
        raise errors.DataError(
            f"{row.place}: expected a file at {path!r}: {reason}. {len(missing)} of "
            f"{len(paths)} are not there. "
            f"{missing_files.advice(row.values['path'], table)}"
        )
    return FoundFiles(sizes, same_files.caution("files", paths, identities))
