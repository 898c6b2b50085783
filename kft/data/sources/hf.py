"""Data sets of Hugging Face: one of its hub by name, or a folder that holds one.

The `datasets` library reads them (Parquet, Arrow, JSON lines, folders of files; Lhoest
et al., 2021, arXiv:2109.02846) into files that are mapped into memory, so examples are
read in any order and memory does not grow with the data. Importing this file imports
neither that nor TensorFlow.
"""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TRAIN
from kft.data.extra import Extra
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, name_pairs, row_labels, split_words
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.value_reader import ValueReader

EXTRA = Extra("hf", "Data sets of Hugging Face", ("datasets",))
_FORM = "hf:NAME, hf:NAME:CONFIG or hf:FOLDER, such as hf:beans or hf:nyu-mll/glue:sst2"
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*(:[\w.-]+)?")
_LABEL = "label"
# What a data set writes for an example whose class is kept secret.
_NO_CLASS = -1


def check(rest: str, config: config_lib.DataConfig, payload: PayloadKind) -> None:
    """Find mistakes without opening the data set.

    Raises:
        errors.ConfigError: for what is neither a folder nor a name, a wrong
            `--hf_columns`, or without the package datasets.
    """
    EXTRA.check()
    _given(config, payload)
    if not _folder(rest) and not _NAME.fullmatch(rest):
        raise errors.ConfigError(
            f"--dataset: expected {_FORM}, received {config.dataset!r}, which is no "
            "folder and no name."
        )


def load(
    rest: str, config: config_lib.DataConfig, payload: PayloadKind
) -> examples.Splits:
    """Return the splits of a data set: its own, or else cut.

    Raises:
        errors.ConfigError: where there is no such data set.
        errors.DataError: where its columns are not those of examples with classes.
    """
    return splits.assemble(*_read(rest, config, payload, known=None), config)


def load_known(
    rest: str, config: config_lib.DataConfig, known: LabelMap, payload: PayloadKind
) -> examples.Labelled:
    """Return the examples of a data set for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    return splits.uncut(*_read(rest, config, payload, known=known))


@dataclasses.dataclass(frozen=True)
class _Columns:
    """The columns of examples.

    Attributes:
        payload: names of those that together are an example.
        label: name of that with the class.
        names: of the classes, by number; None where the column has names or numbers
            that are names.
        are_several: whether an example has a list of classes.
    """

    payload: tuple[str, ...]
    label: str
    names: tuple[str, ...] | None
    are_several: bool


def _read(
    rest: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    known: LabelMap | None,
) -> tuple[LabelMap, examples.Table]:
    parts = _parts(rest, config, needs_training=known is None)
    columns = _columns(next(iter(parts.values())), config, payload)
    rows: list[tuple[Any, int]] = []
    named: list[Sequence[str]] = []
    ids, split_names, sizes = [], [], []
    for split, part in parts.items():
        whole = _undecoded(part, columns, payload)
        found = _classes(part, columns, split)
        own_sizes = _sizes(whole, columns)
        kept = [number for number, names in enumerate(found) if names is not None]
        _tell_secret(split, len(found) - len(kept), payload)
        rows += [(whole, number) for number in kept]
        named += [found[number] or () for number in kept]
        ids += [f"{split}/{number:06d}" for number in kept]
        split_names += [split] * len(kept)
        sizes += [own_sizes[number] for number in kept]
    label_map = _label_map(columns, named, split_names, known)
    table = examples.Table(
        ids=np.array(ids),
        labels=row_labels.targets(
            named, label_map, is_multi_label=config.is_multi_label
        ),
        sizes=np.array(sizes, np.int64),
        split_names=np.array(split_names),
        read=ValueReader(
            _Rows(rows, columns.payload), lambda row: _payload(row, payload)
        ),
    )
    return label_map, table


class _Rows(Sequence[Any]):
    """The values of the columns of examples, read when they are asked for."""

    def __init__(self, rows: Sequence[tuple[Any, int]], names: Sequence[str]) -> None:
        self._rows = rows
        self._names = names

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: Any) -> Any:
        part, number = self._rows[row]
        values = part[number]
        return [values[name] for name in self._names]


def _payload(values: Sequence[Any], payload: PayloadKind) -> bytes:
    """Return the encoded example of the values of its columns.

    Raises:
        errors.DataError: for a value that is missing.
    """
    found = []
    for value in values:
        if isinstance(value, Mapping):
            value = value["bytes"] or _content(value["path"])
        if value is None:
            raise errors.DataError(f"{payload.name}: there is none in its column.")
        found.append(value.encode() if isinstance(value, str) else value)
    return payload.separator.encode().join(found)


def _content(path: str | None) -> bytes | None:
    if path is None:
        return None
    with filesystem.open_to_read(path) as file:
        return bytes(file.read())


def _folder(rest: str) -> str | None:
    """Return the path of a folder with a data set; None for what is a name."""
    path = filesystem.expand(rest)
    return path if os.path.isdir(path) else None


def _parts(
    rest: str, config: config_lib.DataConfig, *, needs_training: bool
) -> Mapping[str, Any]:
    """Return the parts of a data set that are splits, by which they are.

    Raises:
        errors.ConfigError: where it cannot be read, or has no such part.
    """
    opened = _opened(rest, config)
    found: dict[str, Any] = {}
    for name, part in opened.items():
        split = split_words.of_name(str(name))
        if split is None or split in found:
            logging.warning(
                "--dataset=%s: its part %s is no split of training and is left out.",
                config.dataset,
                name,
            )
        elif len(part):
            found[split] = part
    if not found or (needs_training and TRAIN not in found):
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected a part that is called train, "
            f"received {', '.join(map(str, opened)) or 'none'}."
        )
    return found


def _opened(rest: str, config: config_lib.DataConfig) -> Mapping[str, Any]:
    datasets = EXTRA.require("datasets")
    folder = _folder(rest)
    name, _, configuration = (folder, "", "") if folder else rest.partition(":")
    datasets.disable_progress_bars()
    try:
        opened: Mapping[str, Any] = datasets.load_dataset(name, configuration or None)
    # Its own errors, those of files and of the network, and those of Arrow.
    except (datasets.exceptions.DatasetsError, OSError, ValueError) as error:
        advice = (
            "Expected Parquet or other files that the package datasets reads."
            if folder
            else "By name it needs a network once; a folder that was downloaded does "
            "not: hf:FOLDER."
        )
        raise errors.ConfigError(
            f"--dataset={config.dataset}: {str(error).splitlines()[0]}. {advice}"
        ) from error
    return opened


def _given(config: config_lib.DataConfig, payload: PayloadKind) -> Mapping[str, str]:
    """Return the columns that `--hf_columns` names, by what they hold.

    Raises:
        errors.ConfigError: for what is no such name.
    """
    parts = {part: part for part in (*payload.features, _LABEL)}
    return name_pairs.only_given("hf_columns", config.hf_columns, parts)


def _columns(
    part: Any, config: config_lib.DataConfig, payload: PayloadKind
) -> _Columns:
    """Return which columns examples are made of: as the flag says, else by type.

    Raises:
        errors.DataError: where neither tells, or a column is of another type.
    """
    features, given = part.features, _given(config, payload)
    contents = [n for n, one in features.items() if _holds(one, payload)]
    labels = [n for n, one in features.items() if _class_names(one) is not None]
    found: dict[str, str | None] = {
        name: name if name in contents else None for name in payload.features
    }
    if len(payload.features) == 1 and len(contents) == 1:
        found[payload.features[0]] = contents[0]
    found[_LABEL] = labels[0] if len(labels) == 1 else _called_label(features)
    found |= given
    label = found[_LABEL] or ""
    of_payload = tuple(found[name] or "" for name in payload.features)
    if not set(of_payload) <= set(contents) or label not in features:
        needed = ",".join(f"{name}=NAME" for name in (*payload.features, _LABEL))
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} with a class each, "
            f"received the columns {', '.join(map(str, features))}. "
            f"--hf_columns={needed} says which they are."
        )
    several = _of_list(features[label])
    if (several is not None) != config.is_multi_label:
        advice = "--multi_label takes them" if several is not None else "leave it out"
        raise errors.DataError(
            f"--dataset={config.dataset}: expected "
            f"{'lists of classes' if config.is_multi_label else 'one class each'} in "
            f"the column {label!r}, received {features[label]}: {advice}."
        )
    names = _class_names(features[label])
    return _Columns(of_payload, label, names, several is not None)


def _called_label(features: Mapping[str, Any]) -> str | None:
    return next((name for name in (_LABEL, "labels") if name in features), None)


def _of_list(feature: Any) -> Any | None:
    """Return the feature of the elements of a list; None for another feature."""
    if isinstance(feature, list):
        return feature[0]
    return getattr(feature, "feature", None)


def _holds(feature: Any, payload: PayloadKind) -> bool:
    """Return whether a column can hold examples, or a part of them."""
    if payload.tfds_feature == "Text":
        return getattr(feature, "dtype", None) in ("string", "large_string")
    return type(feature).__name__ == payload.tfds_feature


def _class_names(feature: Any) -> tuple[str, ...] | None:
    """Return the names of the classes of a column; None where its type has none."""
    names = getattr(_of_list(feature) or feature, "names", None)
    return None if names is None else tuple(map(str, names))


def _undecoded(part: Any, columns: _Columns, payload: PayloadKind) -> Any:
    """Return a part of which the examples' columns alone are read, as they are."""
    found = part.select_columns(list(columns.payload))
    for name in columns.payload:
        if payload.tfds_feature != "Text":
            kind = type(found.features[name])
            found = found.cast_column(name, kind(decode=False))
    return found


def _classes(
    part: Any, columns: _Columns, split: str
) -> Sequence[Sequence[str] | None]:
    """Return the names of the classes of each example; None where they are secret.

    Raises:
        errors.DataError: for a class without a name.
    """
    values = part.select_columns([columns.label])[columns.label]
    found: list[Sequence[str] | None] = []
    for number, value in enumerate(values):
        several = value if columns.are_several else [value]
        if several is None or _NO_CLASS in several or None in several:
            found.append(None)
            continue
        names = [_name(one, columns, f"{split}/{number:06d}") for one in several]
        found.append(row_labels.checked(names, repr(value), f"{split}/{number:06d}"))
    return found


def _name(value: Any, columns: _Columns, place: str) -> str:
    if columns.names is None:
        return str(value)
    if not 0 <= value < len(columns.names):
        raise errors.DataError(
            f"{place}: the column {columns.label!r} says class {value}, and it names "
            f"{len(columns.names)}."
        )
    return str(columns.names[value])


def _tell_secret(split: str, count: int, payload: PayloadKind) -> None:
    if count:
        logging.warning(
            "%d %s of %s have no class (-1 or none) and are left out.",
            count,
            payload.noun,
            split,
        )


def _label_map(
    columns: _Columns,
    named: Sequence[Sequence[str]],
    split_names: Sequence[str],
    known: LabelMap | None,
) -> LabelMap:
    """Return the classes: those of a run first, those of the column, or what occurs."""
    occurring = sorted(
        {
            name
            for names, split in zip(named, split_names, strict=True)
            for name in names
            if known is not None or split == TRAIN
        }
    )
    if known is not None:
        return known.with_others(occurring)
    return LabelMap(columns.names or tuple(occurring))


def _sizes(part: Any, columns: _Columns) -> np.ndarray:
    """Return the bytes of each example, int64 [n]."""
    pyarrow = EXTRA.require("pyarrow")
    compute = EXTRA.require("pyarrow.compute")
    total = np.zeros(len(part), np.int64)
    for name in columns.payload:
        column = part.data.column(name)
        if pyarrow.types.is_struct(column.type):
            paths = compute.struct_field(column, "path").to_pylist()
            column = compute.struct_field(column, "bytes")
        else:
            paths = [None] * len(part)
        lengths = compute.binary_length(column).to_pylist()
        total += [
            length if length is not None else _file_size(path)
            for length, path in zip(lengths, paths, strict=True)
        ]
    return total


def _file_size(path: str | None) -> int:
    return os.path.getsize(path) if path and os.path.exists(path) else 0
