"""TensorFlow Datasets, read by record: encoded bytes all the way, no decoding on load.

Importing this file imports neither TensorFlow nor tensorflow_datasets.
"""

import os
import re
import socket
import typing
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TEST, TRAIN, VALIDATION
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, name_pairs
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.records import Records

if typing.TYPE_CHECKING:
    import tensorflow_datasets


_NAME = re.compile(r"[A-Za-z]\w*(/[\w.-]+)?(:\d+\.\d+\.\d+)?")
_LABEL = "label"
_BARE_VERSION = re.compile(r"/(?=\d+\.\d+\.\d+$)")


def check(rest: str, config: config_lib.DataConfig) -> None:
    """Check what can be checked without TensorFlow.

    Raises:
        errors.ConfigError: for a malformed name, or a missing `--data_dir`.
    """
    if not _NAME.fullmatch(_builder_name(rest)):
        raise errors.ConfigError(
            "--dataset: expected tfds:NAME, tfds:NAME/CONFIG or tfds:NAME:VERSION, "
            f"such as tfds:tf_flowers:3.0.1, received {config.dataset!r}."
        )
    data_dir = config.data_dir
    if not data_dir or filesystem.is_remote(data_dir):
        return
    if not os.path.isdir(filesystem.expand(data_dir)):
        raise errors.ConfigError(
            f"--data_dir: expected a folder, received {data_dir!r}, which is none. "
            "Create it to have data sets prepared there."
        )


def load(
    rest: str, config: config_lib.DataConfig, payload: PayloadKind
) -> examples.Splits:
    """Return the splits of a TensorFlow data set, preparing it where it is not.

    Raises:
        errors.ConfigError: for an unknown name, version or split, or where the data
            set is not prepared and cannot be.
        errors.DataError: where it is no data of that kind with class labels.
    """
    label_map, table = _read(rest, config, payload)
    return splits.assemble(label_map, table, config)


def load_known(
    rest: str, config: config_lib.DataConfig, known: LabelMap, payload: PayloadKind
) -> examples.Labelled:
    """Return the examples of a TensorFlow data set in its own splits.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    del known  # The data set names its classes itself, with or without examples.
    return splits.uncut(*_read(rest, config, payload, needs_training=False))


def _read(
    rest: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    needs_training: bool = True,
) -> tuple[LabelMap, examples.Table]:
    from kft.data.sources import record_reader

    builder = open_builder(rest, config)
    features = class_features(builder.info, config, payload)
    found = records(
        builder, config, {features.label: int}, needs_training=needs_training
    )
    table = examples.Table(
        ids=found.ids,
        labels=found.records.columns[features.label].astype(np.int32),
        sizes=found.records.lengths,
        split_names=found.split_names,
        read=record_reader.from_records(
            found.records, *features.payload, separator=payload.separator
        ),
    )
    return features.label_map, table


class FoundRecords(typing.NamedTuple):
    """Records of the splits of a data set.

    Attributes:
        ids: str [n], name, split and number of each.
        split_names: str [n], each of `examples.SPLITS`.
        records: where they lie, with the columns that were asked for.
    """

    ids: np.ndarray
    split_names: np.ndarray
    records: Records


def records(
    builder: "tensorflow_datasets.core.DatasetBuilder",
    config: config_lib.DataConfig,
    columns: Mapping[str, type],
    *,
    needs_training: bool,
) -> FoundRecords:
    """Return the records of the splits that the flags name, else the data's own.

    Args:
        builder: of the data set.
        config: with the flags.
        columns: features that are read now, int, bytes or float, one value in each
            record.
        needs_training: see `expressions`.

    Raises:
        errors.ConfigError: for a split that cannot be, an example in two splits, or
            files that are no TFRecords.
        errors.DataError: where a file is damaged.
    """
    from kft.data.sources import tfrecord_index

    info = builder.info
    _check_format(info, config)
    by_split = expressions(info, config, needs_training=needs_training)
    chosen = {split: _records_of(info, e, split) for split, e in by_split.items()}
    files = sorted({path for numbers in chosen.values() for path, _, _ in numbers})
    index = {path: tfrecord_index.index_file(path, columns) for path in files}
    starts = _shard_starts(info)
    parts, ids, split_names = [], [], []
    for split, slices in chosen.items():
        for path, first, last in slices:
            own_split, start = starts[path]
            parts.append(index[path].part(first, last))
            numbers = range(start + first, start + last)
            ids += [f"{builder.name}/{own_split}/{number:06d}" for number in numbers]
            split_names += [split] * len(numbers)
    _check_overlap(ids, by_split)
    return FoundRecords(np.array(ids), np.array(split_names), Records.joined(parts))


class ClassFeatures(typing.NamedTuple):
    """The features of examples with a class each.

    Attributes:
        payload: names of those that together are an example.
        label: name of that with the class.
        label_map: the classes.
    """

    payload: tuple[str, ...]
    label: str
    label_map: LabelMap


def _builder_name(rest: str) -> str:
    """Return the name as TFDS writes it; a version may also follow a slash."""
    return _BARE_VERSION.sub(":", rest)


def open_builder(
    rest: str, config: config_lib.DataConfig
) -> "tensorflow_datasets.core.DatasetBuilder":
    """Return the builder of a data set, prepared where it was not.

    Args:
        rest: what stands behind tfds: in `--dataset`.
        config: its `data_dir`.

    Raises:
        errors.ConfigError: for an unknown name or version, or where the data set is not
            prepared and cannot be.
    """
    import tensorflow_datasets

    name = _builder_name(rest)
    data_dir = filesystem.expand(config.data_dir) if config.data_dir else None
    try:
        builder = tensorflow_datasets.builder(name, data_dir=data_dir)
    except tensorflow_datasets.core.DatasetNotFoundError as error:
        near = errors.closest(name.split("/")[0], tensorflow_datasets.list_builders())
        raise errors.ConfigError(
            f"--dataset: TensorFlow Datasets has no {name!r}. {near} For a data set of "
            "your own, --data_dir is the folder that it was prepared in."
        ) from error
    except (ValueError, AssertionError) as error:
        raise errors.ConfigError(
            f"--dataset={config.dataset}: TensorFlow Datasets refuses it: {error}"
        ) from error
    if not builder.info.splits:
        _prepare(builder, config)
    return builder


def _prepare(
    builder: "tensorflow_datasets.core.DatasetBuilder", config: config_lib.DataConfig
) -> None:
    logging.info("Preparing %s in %s.", builder.name, builder.data_dir)
    problem: Exception | None = None
    try:
        _check_network(builder.url_infos)
        builder.download_and_prepare()
    # Each data set is code of its own, and fails in its own ways: no network, a wrong
    # checksum, a missing package, a full disk.
    except Exception as error:  # noqa: BLE001
        problem = error
    if problem or not builder.info.splits:
        raise errors.ConfigError(
            f"--dataset={config.dataset}: it is not prepared in {builder.data_dir}, "
            f"and preparing it failed: {problem or 'the folder holds no splits'}. "
            "Prepare it on a machine with network and copy the folder, or name the "
            "folder that has it with --data_dir. An empty or damaged folder of that "
            "version must be removed first."
        ) from problem


def _check_network(urls: Iterable[str]) -> None:
    """Fail at once where no server has an address; TFDS would try for minutes.

    Raises:
        OSError: where there is no network.
    """
    names = [urllib.parse.urlparse(url).hostname for url in urls]
    hosts = {name for name in names if name is not None}
    if not hosts or urllib.request.getproxies():
        return
    problem: OSError | None = None
    for host in sorted(hosts):
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            problem = OSError(f"no network: {host} is unknown ({error})")
        else:
            return
    if problem:
        raise problem


def class_features(
    info: Any, config: config_lib.DataConfig, payload: PayloadKind
) -> ClassFeatures:
    """Return the features that hold the payload and its class.

    Raises:
        errors.ConfigError: for `--tfds_features` that cannot be.
        errors.DataError: where neither types nor that flag tell.
    """
    import tensorflow_datasets

    features = info.features
    names = tuple(features.keys()) if hasattr(features, "keys") else ()
    of_payload = getattr(tensorflow_datasets.features, payload.tfds_feature)
    of_label = tensorflow_datasets.features.ClassLabel
    found = {**_by_type(info, names, payload), **_given(config, payload)}
    *contents, label = (found.get(part, part) for part in (*payload.features, _LABEL))
    kinds = {**dict.fromkeys(contents, of_payload), label: of_label}
    if not all(
        key in names and isinstance(features[key], kind) for key, kind in kinds.items()
    ):
        *_, example = payload.features
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} with one class label "
            f"each, received the features {', '.join(sorted(names)) or features}. "
            f"--tfds_features={example}=NAME,label=NAME says which they are."
        )
    return ClassFeatures(tuple(contents), label, LabelMap(tuple(features[label].names)))


def _check_format(info: Any, config: config_lib.DataConfig) -> None:
    import tensorflow_datasets

    if info.file_format != tensorflow_datasets.core.FileFormat.TFRECORD:
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected files in the TFRecord format, "
            f"received {info.file_format.value} in {info.data_dir}. Prepare it with "
            "file_format='tfrecord'."
        )


def _given(config: config_lib.DataConfig, payload: PayloadKind) -> Mapping[str, str]:
    """Return the features that `--tfds_features` names, by what they hold."""
    parts = {part: part for part in (*payload.features, _LABEL)}
    return name_pairs.only_given("tfds_features", config.tfds_features, parts)


def _by_type(
    info: Any, names: Sequence[str], payload: PayloadKind
) -> Mapping[str, str]:
    """Return features that can only be one thing, by what they hold.

    Those of several parts are taken in the order of their names.
    """
    import tensorflow_datasets

    def of_kind(kind: type) -> list[str]:
        return [n for n in sorted(names) if isinstance(info.features[n], kind)]

    of_payload = getattr(tensorflow_datasets.features, payload.tfds_feature)
    contents = of_kind(of_payload)
    labels = of_kind(tensorflow_datasets.features.ClassLabel)
    if info.supervised_keys and not payload.parts:
        content, label = info.supervised_keys
        contents, labels = [content], [label]
    found = {_LABEL: labels[0]} if len(labels) == 1 else {}
    if len(contents) == len(payload.features):
        found.update(zip(payload.features, contents, strict=True))
        if payload.parts:
            said = ", ".join(f"{part}={found[part]}" for part in payload.parts)
            logging.info("Features that are read: %s (--tfds_features).", said)
    return found


def expressions(
    info: Any, config: config_lib.DataConfig, *, needs_training: bool
) -> dict[str, str]:
    """Return the TFDS expression of each split: the flags', else the data's own.

    Args:
        info: of the builder.
        config: with the flags.
        needs_training: whether training has one where the data set has no such split.

    Raises:
        errors.ConfigError: for an expression that cannot be.
    """
    given = {
        TRAIN: config.train_split,
        VALIDATION: config.validation_split,
        TEST: config.test_split,
    }
    found = {
        split: expression or split
        for split, expression in given.items()
        if expression or (needs_training and split == TRAIN) or split in info.splits
    }
    for split, expression in found.items():
        _records_of(info, expression, split)
    return found


def _records_of(info: Any, expression: str, split: str) -> list[tuple[str, int, int]]:
    """Return (file, first record, last record + 1) of each shard of an expression."""
    try:
        instructions = info.splits[expression].file_instructions
    except (ValueError, KeyError) as error:
        raise errors.ConfigError(
            f"--{split}_split: expected a TFDS split expression over "
            f"{', '.join(info.splits)}, such as {next(iter(info.splits))}[:80%], "
            f"received {expression!r}: {error}"
        ) from error
    return [
        (str(item.filename), item.skip, item.skip + item.take) for item in instructions
    ]


def _shard_starts(info: Any) -> dict[str, tuple[str, int]]:
    """Return for each file its split, and the number of its first record there."""
    starts = {}
    for split in info.splits:
        start = 0
        for item in info.splits[split].file_instructions:
            starts[str(item.filename)] = (split, start)
            start += item.examples_in_shard
    return starts


def _check_overlap(ids: list[str], by_split: dict[str, str]) -> None:
    if len(set(ids)) < len(ids):
        flags = ", ".join(f"--{split}_split={e}" for split, e in by_split.items())
        raise errors.ConfigError(
            "Splits: expected no example in two splits or twice in one, received "
            f"{len(ids) - len(set(ids))} such examples with {flags}."
        )
