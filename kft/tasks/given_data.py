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
from kft.data.labels import LabelMap
from kft.data.sources import file_reader, path_ids
from kft.data.sources.given import GivenExamples, ValueReader
from kft.tasks import given_rows
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
            bytes or paths of files; labels are numbers or names of classes.
        config: of the run that is trained on them, or measured.
        class_names: of the classes that labels count from 0; by default numbers are
            names themselves, in their order, and names are sorted.
        numbers_are_names: whether numbers are among `class_names`, and count nothing.

    Raises:
        errors.ConfigError: where the task, or --multi_label, takes files only.
        errors.DataError: for data that cannot be used, saying what came.
    """
    values = tasks.kind(config.task).values
    if values is None or config.is_multi_label:
        what = "multi_label=True" if values else f"task={config.task!r}"
        raise errors.ConfigError(
            f"data: {what} takes files only. Give dataset=KIND:PLACE."
        )
    rows = list(given_rows.rows(data))
    if not rows:
        raise errors.DataError(f"{given_rows.FORMS}; received one without examples.")
    labels, class_ids = _classes(rows, class_names, numbers_are_names)
    table, places = _table(rows, class_ids, values, config)
    return GivenExamples(labels, table, places)


def _classes(
    rows: Sequence[GivenRow],
    class_names: Sequence[str] | None,
    numbers_are_names: bool,
) -> tuple[LabelMap, np.ndarray]:
    """Return the classes, and that of each row, int32 [n]."""
    found = [_label(row.label, place) for place, row in enumerate(rows)]
    kinds = {type(one) for one in found}
    if len(kinds) > 1:
        raise errors.DataError(
            "data: expected labels that are all numbers or all names, received both."
        )
    if numbers_are_names:
        found = [str(one) for one in found]
    if class_names is not None:
        return _named(found, tuple(map(str, class_names)))
    trained = {one for one, row in zip(found, rows, strict=True) if row.split == TRAIN}
    names = LabelMap(tuple(str(one) for one in sorted(trained)))
    return _named([str(one) for one in found], names.names)


def _named(
    found: Sequence[int | str], names: tuple[str, ...]
) -> tuple[LabelMap, np.ndarray]:
    labels, ids = LabelMap(names), []
    for place, one in enumerate(found):
        if isinstance(one, int) and not 0 <= one < len(names):
            raise errors.DataError(
                f"data: label {place} is {one}, and there are {len(names)} class names "
                f"(0 to {len(names) - 1})."
            )
        if isinstance(one, str) and one not in names:
            raise errors.DataError(
                f"data: label {place} is {one!r}, which is no class of training. "
                f"{errors.closest(one, names)}"
            )
        ids.append(one if isinstance(one, int) else labels.index(one))
    return labels, np.array(ids, np.int32)


def _label(label: Any, place: int) -> int | str:
    """Return a label as a number or a name.

    Raises:
        errors.DataError: for anything else.
    """
    if isinstance(label, bytes):
        return label.decode(errors="replace")
    if isinstance(label, str):
        return str(label)
    if isinstance(label, int | np.integer | np.bool_):
        return int(label)
    raise errors.DataError(
        f"data: expected numbers or names of classes, received label {place}: "
        f"{label!r:.60} ({type(label).__name__})."
    )


def _table(
    rows: Sequence[GivenRow], class_ids: np.ndarray, values: Values, config: RunConfig
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
        labels=class_ids,
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
