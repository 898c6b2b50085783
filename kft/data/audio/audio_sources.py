"""Sounds in files: those of folders, and those that a table lists.

A row of a table may be a part of a file, from `start` to `end` in seconds. Where the
table names groups, such as speakers, each stays in one split; folders do not say who
speaks.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import Source, examples, splits
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.sound_files import SoundFiles
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.data.sources import (
    csv_file,
    file_reader,
    filesystem,
    folder,
    labelled_rows,
    path_ids,
)
from kft.data.sources.labelled_rows import RowClasses
from kft.data.sources.table_file import TableRow

_START, _END = "start", "end"
# What of a sound a config has the network read.
WindowsOf = Callable[[Any], Windows]
_Span = tuple[float, float | None]


def sources(windows: WindowsOf) -> dict[str, Source]:
    """Return the sources of sounds, by what stands before the colon."""

    def load_folder(path: str, config: config_lib.DataConfig) -> examples.Splits:
        found = folder.load(path, config, AUDIO)
        if _was_cut(found):
            logging.info(
                "--dataset=%s: a folder does not say who speaks, so speakers of "
                "the training sounds may be among those of validation, too, and its "
                "figures too good. A csv: table with a column group keeps them apart.",
                config.dataset,
            )
        return _with_reader(found, windows(config))

    def load_known_folder(
        path: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        found = folder.load_known(path, config, known, AUDIO)
        parts = {
            split: _bounded(part, windows(config))
            for split, part in found.parts.items()
        }
        return dataclasses.replace(found, parts=parts)

    def load_table(path: str, config: config_lib.DataConfig) -> examples.Splits:
        rows = _rows(path, config)
        found = labelled_rows.classes(rows, config)
        table = _table(path, rows, found, config, windows(config))
        return splits.assemble(found.labels, table, config)

    def load_known_table(
        path: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        rows = _rows(path, config)
        found = labelled_rows.classes(rows, config, known=known)
        table = _table(path, rows, found, config, windows(config))
        return splits.uncut(found.labels, table)

    return {
        "folder": Source(
            "folder:PATH",
            lambda path, config: folder.check(path, config, AUDIO),
            load_folder,
            load_known_folder,
        ),
        "csv": Source("csv:PATH", _check_table, load_table, load_known_table),
    }


def _with_reader(found: examples.Splits, windows: Windows) -> examples.Splits:
    """Return splits of files that read no more of a file than the windows hold."""
    validation, test = (
        None if part is None else _bounded(part, windows)
        for part in (found.validation, found.test)
    )
    return dataclasses.replace(
        found, train=_bounded(found.train, windows), validation=validation, test=test
    )


def _bounded(part: examples.Examples, windows: Windows) -> examples.Examples:
    if not isinstance(part.read, file_reader.Files):
        raise TypeError(f"expected files, received {part.read}")
    return dataclasses.replace(part, read=SoundFiles(part.read.paths, windows))


def _was_cut(found: examples.Splits) -> bool:
    """Return whether training and validation were one folder."""
    if found.validation is None:
        return False
    train, validation = (
        {name.partition("/")[0] for name in part.ids}
        for part in (found.train, found.validation)
    )
    return bool(train & validation)


def _check_table(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in a table; a remote one waits for `load`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        rows = _rows(path, config)
        labelled_rows.classes(rows, config)
        _ids(path, rows, config)


def _table(
    path: str,
    rows: Sequence[TableRow],
    found: RowClasses,
    config: config_lib.DataConfig,
    windows: Windows,
) -> examples.Table:
    paths = [csv_file.join(path, name) for name in csv_file.normal_names(rows)]
    return examples.Table(
        ids=np.array(_ids(path, rows, config)),
        labels=found.ids,
        sizes=csv_file.file_sizes(path, rows, paths, config),
        split_names=found.split_names,
        read=SoundFiles(paths, windows, [_span(row, config) for row in rows]),
        groups=found.groups,
    )


def _rows(path: str, config: config_lib.DataConfig) -> list[TableRow]:
    rows = labelled_rows.read(path, "path", config, others=(_START, _END))
    return [csv_file.with_slashes(row, path) for row in rows]


def _ids(
    table: str, rows: Sequence[TableRow], config: config_lib.DataConfig
) -> list[str]:
    """Return the id of each row: the path, and where it is a part, that.

    Raises:
        errors.DataError: where a row is listed twice, or is no part of a file.
    """
    names = path_ids.of(csv_file.normal_names(rows), csv_file.table_folder(table))
    lines: dict[str, int] = {}
    ids = []
    for name, row in zip(names, rows, strict=True):
        begin, end = _span(row, config)
        if end is not None:
            name = f"{name}#{begin:g}-{end:g}"
        elif begin:
            name = f"{name}#{begin:g}"
        if name in lines:
            raise errors.DataError(
                f"{labelled_rows.flag(config)}, line {row.line}: expected each sound "
                f"once, received {name!r} as in line {lines[name]}. Remove one of them."
            )
        lines[name] = row.line
        ids.append(name)
    return ids


def _span(row: TableRow, config: config_lib.DataConfig) -> _Span:
    """Return where a row's sound begins and ends in its file, in seconds.

    Raises:
        errors.DataError: where that cannot be.
    """
    values = [_seconds(row, name, config) for name in (_START, _END)]
    begin, end = values[0] or 0.0, values[1]
    if end is not None and end <= begin:
        raise errors.DataError(
            f"{labelled_rows.flag(config)}, line {row.line}: expected an end behind "
            f"the start, received start {begin:g} and end {end:g} s."
        )
    return begin, end


def _seconds(row: TableRow, name: str, config: config_lib.DataConfig) -> float | None:
    text = row.values.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise errors.DataError(
            f"{labelled_rows.flag(config)}, line {row.line}: expected seconds as "
            f"{name}, such as 1.5, received {text!r}."
        )
    return value
