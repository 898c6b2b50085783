"""The sources of sounds: folders, tables that list files, and TensorFlow Datasets.

A row of a table may be a part of a file, from `start` to `end` in seconds. Where the
table names groups, such as speakers, each stays in one split; else the parts of a file
do. Folders do not say who speaks.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import logging

from kft import config as config_lib
from kft.data import Source, examples, splits
from kft.data.audio import sound_rows, tfds_sounds
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
    tfds,
)
from kft.data.sources.labelled_rows import RowClasses
from kft.data.sources.table_file import TableRow

# What of a sound a config has the network read.
WindowsOf = Callable[[Any], Windows]


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
        rows = sound_rows.read(path, config)
        found = labelled_rows.classes(rows, config)
        flag = labelled_rows.flag(config)
        sound_rows.say_divided(path, rows, found.split_names, flag=flag)
        table = _table(path, rows, found, config, windows(config))
        return splits.assemble(found.labels, table, config)

    def load_known_table(
        path: str, config: config_lib.DataConfig, known: LabelMap
    ) -> examples.Labelled:
        rows = sound_rows.read(path, config)
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
        "csv": Source(
            "csv:PATH",
            _check_table,
            load_table,
            load_known_table,
            has_several_labels=True,
        ),
        "tfds": _of_tfds(windows),
    }


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
        rows = sound_rows.read(path, config)
        labelled_rows.classes(rows, config)
        sound_rows.ids(path, rows)


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
