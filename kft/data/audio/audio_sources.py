"""The sources of sounds: folders, tables that list files, and TensorFlow Datasets.

A row of a table may be a part of a file, from `start` to `end` in seconds. Where the
table names groups, such as speakers, each stays in one split; else the parts of a file
do. Folders do not say who speaks.
"""

import dataclasses
import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from absl import logging

from kft import config as config_lib
from kft.data import Source, examples, splits
from kft.data.audio import sound_rows, tfds_sounds
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.recorded_sounds import RecordedSounds
from kft.data.audio.sound_files import SoundFiles
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.data.sources import (
    csv_file,
    file_reader,
    filesystem,
    folder,
    labelled_rows,
    metadata_folder,
    tfds,
    webdataset,
)
from kft.data.sources.labelled_rows import LabelledRow, RowClasses
from kft.data.sources.table_file import TableRow

# What of a sound a config has the network read.
WindowsOf = Callable[[Any], Windows]


def sources(windows: WindowsOf) -> dict[str, Source]:
    """Return the sources of sounds, by what stands before the colon."""
    sounds = _Sounds(windows)
    return {
        "folder": Source(
            "folder:PATH",
            _check_folder,
            sounds.load_folder,
            sounds.load_known_folder,
            functools.partial(metadata_folder.check_options, read_rows=_listed_sounds),
            has_several_labels=True,
        ),
        "csv": Source(
            "csv:PATH",
            _check_table,
            sounds.load_table,
            sounds.load_known_table,
            has_several_labels=True,
        ),
        "tfds": _of_tfds(windows),
        "webdataset": Source(
            "webdataset:SHARDS",
            lambda pattern, config: webdataset.check(pattern, config, AUDIO),
            sounds.load_shards,
            sounds.load_known_shards,
        ),
    }


class _Sounds:
    """The sounds of folders and tables, of which windows are read."""

    def __init__(self, windows: WindowsOf) -> None:
        self._windows = windows

    def load_folder(self, path: str, config: config_lib.DataConfig) -> examples.Splits:
        rows = _listed_sounds(path, config)
        if rows:
            labelled_rows.warn(metadata_folder.cautions(path, rows, AUDIO), config)
            return self._load_rows(metadata_folder.table(path), rows, config)
        found = folder.load(path, config, AUDIO)
        _say_who_speaks(found, "a folder", config)
        return _with_reader(found, self._windows(config))

    def load_known_folder(
        self, path: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        rows = _listed_sounds(path, config, known=known.names)
        if rows:
            labelled_rows.warn(metadata_folder.cautions(path, rows, AUDIO), config)
            table = metadata_folder.table(path)
            return self._load_known_rows(table, rows, config, known)
        found = folder.load_known(path, config, known, AUDIO)
        parts = {
            split: _bounded(part, self._windows(config))
            for split, part in found.parts.items()
        }
        return dataclasses.replace(found, parts=parts)

    def load_table(self, path: str, config: config_lib.DataConfig) -> examples.Splits:
        return self._load_rows(path, sound_rows.read(path, config), config)

    def load_known_table(
        self, path: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        rows = sound_rows.read(path, config)
        return self._load_known_rows(path, rows, config, known)

    def load_shards(
        self, pattern: str, config: config_lib.DataConfig
    ) -> examples.Splits:
        read = functools.partial(RecordedSounds, windows=self._windows(config))
        found = webdataset.load(pattern, config, AUDIO, reader=read)
        _say_who_speaks(found, "a shard", config)
        return found

    def load_known_shards(
        self, pattern: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        read = functools.partial(RecordedSounds, windows=self._windows(config))
        return webdataset.load_known(pattern, config, known, AUDIO, reader=read)

    def _load_rows(
        self, path: str, rows: Sequence[LabelledRow], config: config_lib.DataConfig
    ) -> examples.Splits:
        found = labelled_rows.classes(rows, config)
        flag = labelled_rows.flag(config)
        sound_rows.say_divided(path, rows, found.split_names, flag=flag)
        table = _table(path, rows, found, config, self._windows(config))
        return splits.assemble(found.labels, table, config)

    def _load_known_rows(
        self,
        path: str,
        rows: Sequence[LabelledRow],
        config: config_lib.DataConfig,
        known: LabelMap,
    ) -> examples.Labelled:
        found = labelled_rows.classes(rows, config, known=known)
        table = _table(path, rows, found, config, self._windows(config))
        return splits.uncut(found.labels, table)


def _of_tfds(windows: WindowsOf) -> Source:
    def load(name: str, config: config_lib.DataConfig) -> examples.Splits:
        return tfds_sounds.load(name, config, windows(config))

    def load_known(
        name: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        del known  # The data set names its classes itself.
        return tfds_sounds.load_known(name, config, windows(config))

    return Source("tfds:NAME", tfds.check, load, load_known, is_path=False)


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


def _say_who_speaks(
    found: examples.Splits, what: str, config: config_lib.DataConfig
) -> None:
    """Say that nothing keeps speakers apart, where validation was cut off training."""
    if _was_cut(found):
        logging.info(
            "--dataset=%s: %s does not say who speaks, so speakers of "
            "the training sounds may be among those of validation, too, and its "
            "figures too good. A csv: table with a column group keeps them apart.",
            *(config.dataset, what),
        )


def _was_cut(found: examples.Splits) -> bool:
    """Return whether training and validation were one folder."""
    if found.validation is None:
        return False
    train, validation = (
        {name.partition("/")[0] for name in part.ids}
        for part in (found.train, found.validation)
    )
    return bool(train & validation)


def _listed_sounds(
    path: str,
    config: config_lib.DataConfig,
    *,
    known: Collection[str] | None = None,
) -> list[LabelledRow]:
    """Return the rows that list the sounds of a folder; none where none do."""
    return metadata_folder.read(path, sound_rows.columns(), config, AUDIO, known=known)


def _check_folder(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in a folder; a remote one waits for `load`. Raises as that does."""
    rows = [] if filesystem.is_remote(path) else _listed_sounds(path, config)
    if rows:
        _check_rows(metadata_folder.table(path), rows, config)
    else:
        folder.check(path, config, AUDIO)


def _check_rows(
    path: str, rows: Sequence[LabelledRow], config: config_lib.DataConfig
) -> None:
    labelled_rows.classes(rows, config)
    sound_rows.ids(path, rows)


def _check_table(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in a table; a remote one waits for `load`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        _check_rows(path, sound_rows.read(path, config), config)


def _table(
    path: str,
    rows: Sequence[TableRow],
    found: RowClasses,
    config: config_lib.DataConfig,
    windows: Windows,
) -> examples.Table:
    paths = [csv_file.join(path, name) for name in csv_file.normal_names(rows)]
    files = csv_file.find_files(path, rows, paths, config)
    labelled_rows.warn(files.cautions, config)
    return examples.Table(
        ids=np.array(sound_rows.ids(path, rows)),
        labels=found.targets,
        sizes=files.sizes,
        split_names=found.split_names,
        read=SoundFiles(paths, windows, [sound_rows.span(row) for row in rows]),
        groups=sound_rows.groups(path, rows),
    )
