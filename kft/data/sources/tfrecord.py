"""TFRecord files of tf.train.Examples that others have written.

Each record has an encoded example, and its class as a number, a name, or both.
Importing this file does not import TensorFlow.
"""

import glob
import os
import posixpath
import typing
from collections.abc import Mapping, Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, label_file, name_pairs, split_words
from kft.data.sources.payload_kind import PayloadKind

if typing.TYPE_CHECKING:
    from kft.data.sources.tfrecord_index import Records


def check(pattern: str, config: config_lib.DataConfig, payload: PayloadKind) -> None:
    """Find mistakes without reading a record; remote files wait for `load`.

    Raises:
        errors.ConfigError: where no file matches, or a flag is wrong.
        errors.DataError: where only some files say which split they are.
    """
    _names(config, payload)
    if config.tfrecord_labels is not None:
        label_file.read(config.tfrecord_labels)
    if not filesystem.is_remote(pattern):
        _check_training(_split_names(_paths(pattern, config), config), config)


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
        record_reader,
        tfrecord_classes,
        tfrecord_index,
    )

    names = _names(config, payload)
    paths = _paths(pattern, config)
    split_names = _split_names(paths, config)
    if known is None:
        _check_training(split_names, config)
    kinds = tfrecord_classes.kinds(paths, names, payload, config)
    features = {names[part]: kind for part, kind in kinds.items()}
    parts = [tfrecord_index.index_file(path, features) for path in paths]
    records = tfrecord_index.concatenate(parts)
    split_of_rows = np.repeat(split_names, [len(part.lengths) for part in parts])
    columns = {part: records.columns[names[part]] for part in kinds}
    # The classes of a run come from no rows in particular: all tell what there is.
    trained = split_of_rows if known is None else np.full_like(split_of_rows, TRAIN)
    label_map, numbers = tfrecord_classes.classes(columns, trained, config, known)
    table = examples.Table(
        ids=np.array(_ids(paths, parts)),
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
    if filesystem.is_remote(pattern):
        paths = filesystem.remote_glob(pattern)
    else:
        paths = _local_paths(filesystem.expand(pattern))
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
    return sorted(paths)


def _local_paths(pattern: str) -> list[str]:
    """Return the files of a pattern; a path that exists is taken as it is.

    Brackets that make no pattern of anything are part of a name.
    """
    if os.path.isfile(pattern):
        return [pattern]
    for text in (pattern, pattern.replace("[", "[[]")):
        paths = [p for p in glob.glob(text, recursive=True) if os.path.isfile(p)]
        if paths:
            return paths
    return []


def _split_names(paths: Sequence[str], config: config_lib.DataConfig) -> list[str]:
    """Return the split of each file; `train` where the names tell none apart."""
    names = [posixpath.basename(path) for path in paths]
    split_names = [split_words.within_name(name) for name in names]
    if not any(split_names):
        folders = [posixpath.basename(posixpath.dirname(path)) for path in paths]
        split_names = [split_words.of_name(name) for name in folders]
    if len(set(split_names)) == 1:
        return [TRAIN] * len(paths)
    known = []
    for path, split in zip(paths, split_names, strict=True):
        if split is None:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected train, validation or test in "
                f"the name of every file or of none, received {path!r} without. Rename "
                "it, or choose the files by another pattern."
            )
        known.append(split)
    return known


def _check_training(split_names: Sequence[str], config: config_lib.DataConfig) -> None:
    if TRAIN not in split_names:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected files of the split {TRAIN}, "
            f"received {' and '.join(sorted(set(split_names)))} only."
        )


def _ids(paths: Sequence[str], parts: Sequence["Records"]) -> list[str]:
    """Return file and number of each record; files have the part that differs."""
    common = posixpath.commonprefix([posixpath.dirname(path) + "/" for path in paths])
    common = common[: common.rfind("/") + 1]
    ids = []
    for path, part in zip(paths, parts, strict=True):
        name = path.removeprefix(common).lstrip("/")
        ids += [f"{name}/{number:06d}" for number in range(len(part.lengths))]
    return ids
