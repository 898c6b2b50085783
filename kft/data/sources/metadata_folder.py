"""Rows of the metadata.csv or metadata.jsonl of a folder: see `metadata_files`.

They are as those of a csv: table, but for the column of the files, `file_name`, whose
paths are relative to the file that lists them.
"""

import collections
import dataclasses
import functools
import os
import posixpath
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data.sources import (
    csv_file,
    filesystem,
    json_table,
    labelled_rows,
    metadata_files,
    path_ids,
    split_words,
    table_file,
)
from kft.data.sources.folder_tree import FolderTree
from kft.data.sources.labelled_rows import Columns, LabelledRow
from kft.data.sources.metadata_files import MetadataFile
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.table_file import TableRow

Config = TypeVar("Config", bound=config_lib.DataConfig)
_TABLES = " or ".join(metadata_files.NAMES)
_SHOWN = 4


def table(path: str) -> str:
    """Return the path of a table to which the rows that `read` returns are relative."""
    return posixpath.join(path, metadata_files.NAMES[0])


def read(
    path: str,
    columns: Columns,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    strict: bool = True,
    known: Collection[str] | None = None,
) -> list[LabelledRow]:
    """Return the rows, with paths relative to the folder; none where nothing lists it.

    Nor does anything where `--folder_layout` says what the sub-folders are.

    Args:
        path: of the folder.
        columns: of the rows, whose content is `path`.
        config: of the data.
        payload: what the files are.
        strict: see `metadata_files.find`.
        known: likewise. Where folders are of these classes, a file that says no labels
            does not count.

    Raises:
        errors.ConfigError: where `--csv_columns` or `--label_columns` is wrong.
        errors.DataError: for files that contradict each other, or are no such tables.
    """
    root = filesystem.expand(path)
    if config.folder_layout != "auto" or not path or not filesystem.is_folder(root):
        return []
    tree = FolderTree(payload.file_endings)
    found = metadata_files.find(root, config, tree, strict=strict, known=known)
    if not found:
        return []
    by_file: dict[MetadataFile, list[LabelledRow]] = {}
    for file in found:
        label = _label(file, columns, config, known)
        if label is None:
            return []
        by_file[file] = _rows(file, columns, config, label)
    labelled_rows.check_named([r for rows in by_file.values() for r in rows], config)
    rows = [_in_folder(row, file) for file, rows in by_file.items() for row in rows]
    _check_endings(rows, payload)
    names = dict.fromkeys(name for row in rows for name in row.values)
    return [
        dataclasses.replace(row, values=dict.fromkeys(names, "") | dict(row.values))
        for row in rows
    ]


def _rows(
    file: MetadataFile,
    columns: Columns,
    config: config_lib.DataConfig,
    label: str,
) -> list[LabelledRow]:
    called = {"path": metadata_files.FILE_NAME, columns.label: label}
    rows = labelled_rows.read_part(
        file.path,
        dataclasses.replace(columns, called=called),
        config,
        table=file.flag,
        read_rows=(
            functools.partial(json_table.read_rows, has_several=config.is_multi_label)
            if file.is_json
            else table_file.read_rows
        ),
    )
    return [csv_file.with_slashes(row, file.path) for row in rows]


def _check_endings(rows: Sequence[LabelledRow], payload: PayloadKind) -> None:
    """Check that files are of the kind that is learned from.

    Raises:
        errors.DataError: where all end like those of other kinds.
    """
    endings = collections.Counter(
        os.path.splitext(row.values["path"])[1].lower() for row in rows
    )
    # Content decides about files whose names do not tell.
    if endings[""] or not endings.keys().isdisjoint(payload.file_endings):
        return
    tables = " and ".join(dict.fromkeys(row.flag for row in rows))
    received = ", ".join(f"{ending} {n}" for ending, n in endings.most_common(_SHOWN))
    advice = (f" {payload.advice_on_endings.get(ending, '')}" for ending in endings)
    raise errors.DataError(
        f"{tables}: expected {payload.noun} ({', '.join(payload.file_endings)}), "
        f"received other files: {received}.{''.join(advice).rstrip()}"
    )


def _label(
    file: MetadataFile,
    columns: Columns,
    config: config_lib.DataConfig,
    known: Collection[str] | None,
) -> str | None:
    """Return what the column of what is to be learned is called.

    None where there is none, and folders of known classes say it.

    Raises:
        errors.DataError: where there is none, but folders that could be classes.
    """
    said = [pair.partition("=")[0].strip() for pair in config.csv_columns]
    if columns.label in said or config.class_columns:
        return columns.label
    for name in (columns.label, *columns.label_synonyms):
        if file.has_columns([name]):
            return name
    classes = file.class_folders
    if not classes.names:
        return columns.label
    folders = errors.listed(classes.names, most=_SHOWN)
    if known is not None and not set(known).isdisjoint(classes.names):
        logging.warning(
            "%s: not used, for it has no column %r. The classes are the folders: %s.",
            *(file.flag, columns.label, folders),
        )
        return None
    # Only where a run begins there is a flag for it.
    instead = (
        f"--folder_layout={classes.layout}" if known is None else "move this file away"
    )
    raise errors.DataError(
        f"{file.flag}: it lists files and has no column {columns.label!r}. Where "
        f"another one has the labels: --csv_columns={columns.label}=NAME. Where "
        f"the classes are the folders {folders}: {instead}."
    )


def _in_folder(row: LabelledRow, file: MetadataFile) -> LabelledRow:
    """Return the row as seen from the folder of the data set.

    Raises:
        errors.DataError: where it names another split than the folder does.
    """
    values = dict(row.values)
    if not path_ids.is_anchored(values["path"]):
        values["path"] = posixpath.join(file.folder, values["path"])
    if file.split is not None:
        own = values.get("split", "").strip()
        if own and split_words.of_name(own) != file.split:
            raise errors.DataError(
                f"{row.place}: expected the split {file.split}, for the table lies in "
                f"the folder {file.folder}; received {own!r}. Move the row, or remove "
                "the column."
            )
        values["split"] = file.split
    return dataclasses.replace(row, values=values)


def cautions(
    path: str, rows: Sequence[TableRow], payload: PayloadKind
) -> tuple[str, ...]:
    """Return sentences that say which files in the folder no row names; or ().

    Args:
        path: of the folder.
        rows: as `read` returns them.
        payload: what the files are.
    """
    root = filesystem.expand(path)
    named = {
        _one_spelling(csv_file.join(table(path), name))
        for name in csv_file.normal_names(rows)
    }
    files = FolderTree(payload.file_endings).list_files(root).files
    unlisted = [f.path for f in files if _one_spelling(f.path) not in named]
    if not unlisted:
        return ()
    shown = [name[len(root) :].lstrip("/" + os.sep) for name in unlisted]
    flags = {row.flag for row in rows}
    tables = [n for n in metadata_files.NAMES if any(f.endswith(n) for f in flags)]
    return (
        f"{len(unlisted)} of {len(files)} {payload.noun} in the folder are left out, "
        f"for no line of {' or '.join(tables)} names them: "
        f"{errors.listed(shown, most=_SHOWN)}. Add a line for each that is an example.",
    )


def _one_spelling(path: str) -> str:
    return path if filesystem.is_remote(path) else os.path.abspath(path)


def check_options(
    path: str,
    config: Config,
    read_rows: Callable[[str, Config], Sequence[TableRow]],
) -> None:
    """Check that no option names columns, where no table lists the files of a folder.

    A remote folder waits to be loaded. One that is not there is for others to complain
    about.

    Args:
        path: of the folder.
        config: of the data.
        read_rows: returns the rows of such a table, none where there is none.

    Raises:
        errors.ConfigError: naming the option.
        errors.DataError: for tables that cannot be used.
    """
    if filesystem.is_remote(path) or read_rows(path, config):
        return
    columns = {
        "csv_columns": ",".join(config.csv_columns),
        "label_columns": ",".join(config.class_columns),
    }
    is_there = os.path.isdir(filesystem.expand(path))
    for name, value in columns.items():
        if value and is_there:
            raise errors.ConfigError(
                f"--{name}={value}: expected {_TABLES} in "
                f"--dataset={config.dataset}, with a column "
                f"{metadata_files.FILE_NAME}; there is none that is used. Remove "
                f"--{name}, or name a table with --dataset=csv:TABLE."
            )


def check_one_class_each(config: config_lib.DataConfig) -> None:
    """Check that examples are of one class each, as those in class folders are.

    Raises:
        errors.ConfigError: where `--multi_label` says that they may be of several.
    """
    if config.is_multi_label:
        raise errors.ConfigError(
            f"--multi_label: the folders of --dataset={config.dataset} say one class "
            f"for each example. Several are read from {_TABLES} in it, with the "
            f"columns {metadata_files.FILE_NAME} and label, or from "
            "--dataset=csv:TABLE."
        )
