"""Files that a table lists: columns path and label, and maybe split and group.

Paths are relative to the table. Without a split column the splits are cut by a hash, by
that of the group where there is one, so that no group is in two splits.
"""

import os
import posixpath
from collections.abc import Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, labels, splits
from kft.data.examples import TRAIN
from kft.data.sources import (
    file_reader,
    filesystem,
    missing_files,
    name_pairs,
    path_ids,
    split_words,
    table_file,
)
from kft.data.sources.table_file import TableRow

# What the columns are called where --csv_columns does not say so.
_COLUMNS = {"path": "path", "label": "label", "split": "split", "group": "group"}


def check(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in the table without looking for the files.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        rows = _rows(path, config)
        split_names = _split_names(rows, config)
        _labels(rows, split_names, config)
        _check_groups(rows, split_names, config)


def load(path: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of a table.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, or a file is not there.
    """
    rows = _rows(path, config)
    split_names = _split_names(rows, config)
    label_map = _labels(rows, split_names, config)
    _check_groups(rows, split_names, config)
    names = _names(rows, config)
    paths = [_join(path, name) for name in names]
    table = examples.Table(
        ids=np.array(_ids(names, path, rows, config)),
        labels=np.array([label_map.index(r.values["label"]) for r in rows], np.int32),
        sizes=_sizes(path, rows, paths, config),
        split_names=np.array(split_names),
        read=file_reader.Files(paths),
        groups=_groups(rows),
    )
    return splits.assemble(label_map, table, config)


def _rows(path: str, config: config_lib.DataConfig) -> list[TableRow]:
    """Return the rows with their values by what they are, whatever the columns' names.

    Raises:
        errors.ConfigError: where there is no such file, or `--csv_columns` is wrong.
        errors.DataError: where it is no such table, naming the line.
    """
    names = name_pairs.parse(
        "csv_columns", config.csv_columns, _COLUMNS, needed=("path", "label")
    )
    names = {part: name.lower() for part, name in names.items()}
    rows = table_file.read(
        path,
        flag=_flag(config),
        needed=[names["path"], names["label"]],
        optional=[names[part] for part in ("split", "group") if part in names],
        advice="Columns of other names are told with "
        "--csv_columns=path=NAME,label=NAME.",
    )
    parts = {part: name for part, name in names.items() if name in rows[0].values}
    for pair in config.csv_columns:
        part, _, name = pair.partition("=")
        if part.strip() not in parts:
            raise errors.DataError(
                f"{_flag(config)}, line 1: expected a column {name.strip()!r}, as "
                f"--csv_columns={pair} says; there is none."
            )
    rows = [
        TableRow(row.line, {part: row.values[name] for part, name in parts.items()})
        for row in rows
    ]
    rows = [_with_slashes(row, path) for row in rows]
    _ids(_names(rows, config), path, rows, config)
    return rows


def _with_slashes(row: TableRow, table: str) -> TableRow:
    """Return the row with the path as written on Windows in the spelling of others."""
    name = row.values["path"]
    if "\\" not in name or os.path.lexists(_join(table, name)):
        return row
    return TableRow(row.line, {**row.values, "path": name.replace("\\", "/")})


def _flag(config: config_lib.DataConfig) -> str:
    return f"--dataset={config.dataset}"


def _names(rows: Sequence[TableRow], config: config_lib.DataConfig) -> list[str]:
    """Return the paths in one spelling.

    Raises:
        errors.DataError: where one is listed twice.
    """
    paths = [row.values["path"] for row in rows]
    names = [p if filesystem.is_remote(p) else posixpath.normpath(p) for p in paths]
    _check_once(names, rows, config)
    return names


def _ids(
    names: Sequence[str],
    table: str,
    rows: Sequence[TableRow],
    config: config_lib.DataConfig,
) -> list[str]:
    """Return the ids of the paths, see `path_ids`.

    Raises:
        errors.DataError: where two paths lead to one file.
    """
    folder = posixpath.dirname(filesystem.expand(table))
    if not filesystem.is_remote(table):
        folder = os.path.abspath(folder)
    ids = path_ids.of(names, folder)
    _check_once(ids, rows, config)
    return ids


def _check_once(
    names: Sequence[str], rows: Sequence[TableRow], config: config_lib.DataConfig
) -> None:
    lines: dict[str, int] = {}
    for name, row in zip(names, rows, strict=True):
        if name in lines:
            raise errors.DataError(
                f"{_flag(config)}, line {row.line}: expected each path once, received "
                f"{row.values['path']!r} as in line {lines[name]}. Remove one of them."
            )
        lines[name] = row.line


def _split_names(rows: Sequence[TableRow], config: config_lib.DataConfig) -> list[str]:
    """Return the split of each row; `train` where the table names none."""
    if "split" not in rows[0].values:
        return [TRAIN] * len(rows)
    split_names = []
    for row in rows:
        split = split_words.of_name(row.values["split"])
        if split is None:
            raise errors.DataError(
                f"{_flag(config)}, line {row.line}: expected the split "
                f"{', '.join(examples.SPLITS)}, received {row.values['split']!r}. Fill "
                "the column in every row, or remove it to have the splits cut."
            )
        split_names.append(split)
    if TRAIN not in split_names:
        raise errors.DataError(
            f"{_flag(config)}: expected rows of the split {TRAIN}, received none."
        )
    return split_names


def _labels(
    rows: Sequence[TableRow], split_names: Sequence[str], config: config_lib.DataConfig
) -> labels.LabelMap:
    """Return the classes of the training rows, sorted; the others may have no more."""
    pairs = list(zip(rows, split_names, strict=True))
    names = sorted({row.values["label"] for row, split in pairs if split == TRAIN})
    known = set(names)
    for row, split in pairs:
        label = row.values["label"]
        if label not in known:
            raise errors.DataError(
                f"{_flag(config)}, line {row.line}: expected in {split} only labels "
                f"that training rows have, received {label!r}. "
                f"{errors.closest(label, names)}"
            )
    return labels.LabelMap(tuple(names))


def _groups(rows: Sequence[TableRow]) -> np.ndarray | None:
    if "group" not in rows[0].values:
        return None
    return np.array([row.values["group"] for row in rows])


def _check_groups(
    rows: Sequence[TableRow], split_names: Sequence[str], config: config_lib.DataConfig
) -> None:
    """Check that the table itself puts no group in two splits."""
    first: dict[str, tuple[int, str]] = {}
    for row, split in zip(rows, split_names, strict=True):
        group = row.values.get("group")
        if not group:
            continue
        line, before = first.setdefault(group, (row.line, split))
        if before != split:
            raise errors.DataError(
                f"{_flag(config)}, line {row.line}: expected the group {group!r} in "
                f"one split, received {split}, and {before} in line {line}."
            )


def _join(table: str, name: str) -> str:
    name = filesystem.expand(name)
    if filesystem.is_remote(name):
        return name
    folder = posixpath.dirname(filesystem.expand(table))
    return posixpath.join(folder, name)


def _sizes(
    table: str,
    rows: Sequence[TableRow],
    paths: Sequence[str],
    config: config_lib.DataConfig,
) -> np.ndarray:
    """Return the bytes of each file, int64 [n]; 0 for remote ones, and for bad ones.

    Raises:
        errors.DataError: for files that are not there, where bad ones are not skipped.
    """
    sizes, missing = np.zeros(len(paths), np.int64), []
    for place, path in enumerate(paths):
        if filesystem.is_remote(path):
            continue
        try:
            sizes[place] = os.stat(path).st_size
        except OSError as error:
            missing.append((rows[place], path, error.strerror))
    if missing and not config.skips_bad_examples:
        row, path, reason = missing[0]
        raise errors.DataError(
            f"{_flag(config)}, line {row.line}: expected a file at {path!r}: {reason}. "
            f"{len(missing)} of {len(paths)} are not there. "
            f"{missing_files.advice(row.values['path'], table)}"
        )
    return sizes
