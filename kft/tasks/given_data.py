"""Data that people have in Python, as the data set of a run.

Arrays and texts are known by digests of their contents, files by their paths: so the
split of an example does not depend on where it stands.
"""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kft import errors, tasks
from kft.config import RunConfig
from kft.data import content_ids
from kft.data.examples import TRAIN, Read, Table
from kft.data.label_arrays import Labels
from kft.data.sources import file_reader, path_ids, row_labels
from kft.data.sources.given import GivenExamples
from kft.data.sources.value_reader import ValueReader
from kft.tasks import given_labels, given_rows
from kft.tasks.given_rows import Data, GivenRow
from kft.tasks.task_kind import Values

_SHOWN = 8


def examples_of(
    data: Data,
    config: RunConfig,
    class_names: Sequence[str] | None = None,
    *,
    numbers_are_names: bool = False,
) -> GivenExamples:
    """Return examples that a program has, for `kft.data.sources.given`.

    Args:
        data: inputs and labels, see `given_rows`. Inputs are arrays, texts, encoded
            bytes or paths of files; labels are numbers or names of classes, with
            `--multi_label` any number of them.
        config: of the run that is trained on them, or measured.
        class_names: of the classes that labels count from 0; by default numbers are
            names themselves, in their order, and names are sorted.
        numbers_are_names: whether numbers are among `class_names`, and count nothing.

    Raises:
        errors.ConfigError: where the task takes files only.
        errors.DataError: for data that cannot be used, saying what came.
    """
    values = tasks.kind(config.task).values
    if values is None:
        raise errors.ConfigError(
            f"data: task={config.task!r} takes files only. Give dataset=KIND:PLACE."
        )
    rows = list(
        given_rows.rows(
            data,
            are_several=config.is_multi_label,
            class_columns=config.class_columns,
        )
    )
    if not rows:
        raise errors.DataError(f"{given_rows.FORMS}; received one without examples.")
    if class_names is None and config.class_columns:
        class_names = config.class_columns
    found = given_labels.of(rows, are_several=config.is_multi_label)
    labels, named = found.named(class_names, numbers_are_names=numbers_are_names)
    targets = row_labels.targets(named, labels, is_multi_label=config.is_multi_label)
    table, places = _table(rows, targets, values, config)
    return GivenExamples(labels, table, places)


def _table(
    rows: Sequence[GivenRow], targets: Labels, values: Values, config: RunConfig
) -> tuple[Table, Sequence[str]]:
    """Return the table of examples, and where they lie if they are files."""
    are_paths = {_is_path(row.value, values) for row in rows}
    if len(are_paths) > 1:
        raise errors.DataError("data: expected paths or values, received both.")
    groups = np.array([row.group for row in rows])
    split_names = np.array([row.split for row in rows])
    read: Read
    paths: list[str] = []
    if are_paths == {True}:
        paths = [os.path.abspath(os.fspath(row.value)) for row in rows]
        ids, sizes = path_ids.of(paths, os.getcwd()), _file_sizes(paths)
        read = file_reader.Files(paths)
    else:
        encode = functools.partial(_encode, values=values, config=config)
        payloads = [_checked(encode, row, place) for place, row in enumerate(rows)]
        digests = [digest for digest, _ in payloads]
        sizes = [size for _, size in payloads]
        ids = content_ids.numbered(digests)
        read = ValueReader([row.value for row in rows], encode)
        if not groups.any() and set(split_names) == {TRAIN}:
            # Equal examples stay in one split.
            groups = np.array(digests)
    table = Table(
        ids=np.array(ids),
        labels=targets,
        sizes=np.array(sizes, np.int64),
        split_names=split_names,
        read=read,
        groups=groups if groups.any() else None,
    )
    return table, paths


def _is_path(value: Any, values: Values) -> bool:
    if isinstance(value, str):
        return not values.are_texts
    return isinstance(value, os.PathLike)


def _encode(value: Any, *, values: Values, config: RunConfig) -> bytes:
    """Return the payload of a value that is no path."""
    return value if isinstance(value, bytes) else values.encode(value, config)


def _checked(
    encode: Callable[[Any], bytes], row: GivenRow, place: int
) -> tuple[str, int]:
    """Return digest and size of a payload, which is not kept.

    Raises:
        errors.DataError: saying which value is none of an example.
    """
    try:
        payload = encode(row.value)
    except errors.DataError as error:
        raise errors.DataError(
            f"data: input {place} of {row.split}: {error}"
        ) from error
    return content_ids.digest(payload), len(payload)


def _file_sizes(paths: Sequence[str]) -> list[int]:
    """Return the bytes of each file.

    Raises:
        errors.DataError: naming those that are not there.
    """
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise errors.DataError(
            f"data: {len(missing)} of {len(paths)} files are not there: "
            f"{errors.listed(missing, most=_SHOWN)}."
        )
    return [os.path.getsize(path) for path in paths]
