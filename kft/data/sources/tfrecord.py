"""TFRecord files of tf.train.Examples that others have written.

Each record has an encoded example, and its class as a number, a name, or both.
Importing this file does not import TensorFlow.
"""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, label_file, name_pairs, shard_files
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.records import Records


def check(pattern: str, config: config_lib.DataConfig, payload: PayloadKind) -> None:
    """Find mistakes without reading a record; remote files wait for `load`.

    Raises:
        errors.ConfigError: where no file matches, or a flag is wrong.
        errors.DataError: where only some files say which split they are.
    """
    _names(config, payload)
    if config.tfrecord_labels is not None:
        label_file.read(config.tfrecord_labels, "--tfrecord_labels")
    if not filesystem.is_remote(pattern):
        split_names = shard_files.split_names(_paths(pattern, config), config)
        shard_files.check_training(split_names, config)


def load(
    pattern: str, config: config_lib.DataConfig, payload: PayloadKind
) -> examples.Splits:
    """Return the splits of TFRecord files.

    Where the name of every file, or else of its folder, has a word like train or
    validation, these are the splits.

    Raises:
        errors.ConfigError: where no file matches, or a flag is wrong.
        errors.DataError: for files that are damaged, or have not what is expected.
    """
    label_map, table = _read(pattern, config, payload)
    return splits.assemble(label_map, table, config)


def load_known(
    pattern: str, config: config_lib.DataConfig, known: LabelMap, payload: PayloadKind
) -> examples.Labelled:
    """Return the examples of files for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    return splits.uncut(*_read(pattern, config, payload, known=known))


def _read(
    pattern: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    known: LabelMap | None = None,
) -> tuple[LabelMap, examples.Table]:
    from kft.data.sources import (
        record_classes,
        record_reader,
        tfrecord_classes,
        tfrecord_index,
    )

    names = _names(config, payload)
    paths = _paths(pattern, config)
    split_names = shard_files.split_names(paths, config)
    if known is None:
        shard_files.check_training(split_names, config)
    kinds = tfrecord_classes.kinds(paths, names, payload, config)
    features = {names[part]: kind for part, kind in kinds.items()}
    parts = [tfrecord_index.index_file(path, features) for path in paths]
    records = Records.joined(parts)
    split_of_rows = np.repeat(split_names, [len(part.lengths) for part in parts])
    columns = {part: records.columns[names[part]] for part in kinds}
    # The classes of a run come from no rows in particular: all tell what there is.
    trained = split_of_rows if known is None else np.full_like(split_of_rows, TRAIN)
    label_map, numbers = record_classes.classes(
        columns, trained, config, option="tfrecord_labels", of_run=known
    )
    table = examples.Table(
        ids=np.array(
            [
                f"{name}/{number:06d}"
                for name, part in zip(shard_files.names(paths), parts, strict=True)
                for number in range(len(part.lengths))
            ]
        ),
        labels=numbers,
        sizes=records.lengths,
        split_names=split_of_rows,
        read=record_reader.from_records(records, names[payload.name]),
    )
    return label_map, table


def _names(config: config_lib.DataConfig, payload: PayloadKind) -> Mapping[str, str]:
    return name_pairs.parse(
        "tfrecord_features",
        config.tfrecord_features,
        payload.tfrecord_features,
        needed=(payload.name,),
    )


def _paths(pattern: str, config: config_lib.DataConfig) -> Sequence[str]:
    """Return the files, sorted."""
    paths = shard_files.matching(pattern)
    if not paths:
        local = filesystem.expand(pattern)
        if not filesystem.is_remote(pattern) and os.path.isdir(local):
            raise errors.ConfigError(
                f"--dataset={config.dataset}: expected TFRecord files, received a "
                f"folder. Say which files: tfrecord:{pattern.rstrip('/')}/*.tfrecord"
            )
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected TFRecord files, such as "
            f"tfrecord:data/train-*.tfrecord; no file matches {pattern!r}. "
            "Check the path; in a shell, a pattern needs quotes."
        )
    return paths
