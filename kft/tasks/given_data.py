"""Data that people have in Python, as the data set of a run.

Arrays and texts are known by digests of their contents, files by their paths: so the
split of an example does not depend on where it stands.
"""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kft import errors, tasks
from kft.config import RunConfig
from kft.data import content_ids
from kft.data.examples import SPLITS, TRAIN, Read, Table
from kft.data.labels import LabelMap
from kft.data.sources import file_reader, given, path_ids, split_words
from kft.data.sources.given import GivenExamples, ValueReader
from kft.tasks.task_kind import Values

# (inputs, labels), (inputs, labels, groups), a pandas.DataFrame or a tf.data.Dataset;
# or a mapping from the names of splits to these.
Data = Any
_FORMS = (
    "data: expected (inputs, labels), (inputs, labels, groups), a pandas.DataFrame, a "
    "tf.data.Dataset of (input, label), or a dict of these by train, validation and "
    "test"
)
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class _Row:
    """An example.

    Attributes:
        value: array, text, encoded bytes, or path of a file.
        label: as it was given.
        split: one of `SPLITS`.
        group: that stays in one split; an empty text for none.
    """

    value: Any
    label: Any
    split: str
    group: str


def keep(
    data: Data, config: RunConfig, class_names: Sequence[str] | None = None
) -> str:
    """Keep examples that a program has in this process; return their `dataset`.

    Args:
        data: inputs and labels, see `Data`. Inputs are arrays, texts, encoded bytes or
            paths of files; labels are numbers or names of classes.
        config: of the run that is trained on them, or measured.
        class_names: of the classes that labels count from 0; by default numbers are
            names themselves, in their order, and names are sorted.

    Raises:
        errors.ConfigError: where the task takes files only.
        errors.DataError: for data that cannot be used, saying what came.
    """
    values = tasks.kind(config.task).values
    if values is None:
        raise errors.ConfigError(
            f"data: task={config.task!r} takes files only. Give dataset=KIND:PLACE."
        )
    rows = list(_rows(data))
    if not rows:
        raise errors.DataError(f"{_FORMS}; received one without examples.")
    labels, class_ids = _classes(rows, class_names)
    table = _table(rows, class_ids, values, config)
    return given.keep(GivenExamples(labels, table))


def _rows(data: Data) -> Iterator[_Row]:
    """Yield the examples of all splits."""
    parts = data if isinstance(data, Mapping) else {TRAIN: data}
    for name, part in parts.items():
        split = split_words.of_name(str(name))
        if split is None:
            raise errors.DataError(
                f"{_FORMS}; received a dict with {name!r}. Its keys are "
                f"{', '.join(SPLITS)}."
            )
        for value, label, group in _columns(part, split):
            yield _Row(value, label, split, group)


def _columns(part: Data, split: str) -> Iterator[tuple[Any, Any, str]]:
    """Return input, label and group of each example."""
    if hasattr(part, "element_spec") and hasattr(part, "cardinality"):
        return _of_dataset(part, split)
    if hasattr(part, "columns") and hasattr(part, "to_dict"):
        return _of_frame(part)
    if isinstance(part, tuple | list) and len(part) in (2, 3):
        return _of_lists(part, split)
    raise errors.DataError(f"{_FORMS}; received {type(part).__name__} for {split}.")


def _of_lists(part: Sequence[Any], split: str) -> Iterator[tuple[Any, Any, str]]:
    inputs, labels = part[:2]
    groups = part[2] if len(part) == 3 else [""] * len(inputs)
    lengths = len(inputs), len(labels), len(groups)
    if len(set(lengths)) > 1:
        counts = [*zip(lengths, ("inputs", "labels", "groups"), strict=True)]
        received = ", ".join(f"{n:,} {what}" for n, what in counts[: len(part)])
        raise errors.DataError(
            f"data: expected a label for each input of {split}, received {received}."
        )
    shape = np.shape(labels)
    if len(shape) > 1:
        advice = " Give labels.argmax(axis=1)." if len(shape) == 2 else ""
        raise errors.DataError(
            f"data: expected one class for each input of {split}, received labels of "
            f"the shape {list(shape)}.{advice}"
        )
    return zip(inputs, labels, map(str, groups), strict=True)


def _of_frame(frame: Any) -> Iterator[tuple[Any, Any, str]]:
    """Return the rows of a pandas.DataFrame."""
    names = [str(name) for name in frame.columns]
    contents = [name for name in ("path", "text") if name in names]
    if "label" not in names or len(contents) != 1:
        raise errors.DataError(
            "data: expected a DataFrame with the columns path or text, label, and "
            f"maybe text_b and group, received {', '.join(names)}. "
            "frame.rename(columns={...}) gives them these names."
        )
    if "split" in names:
        raise errors.DataError(
            "data: received a DataFrame with a column split. Give one for each split: "
            "{'train': frame[frame.split == 'train'], ...}."
        )
    values = list(frame[contents[0]])
    if "text_b" in names:
        values = list(zip(values, frame["text_b"], strict=True))
    groups = map(str, frame["group"]) if "group" in names else [""] * len(values)
    return zip(values, frame["label"], groups, strict=True)


def _of_dataset(data: Any, split: str) -> Iterator[tuple[Any, Any, str]]:
    """Return the elements of a tf.data.Dataset, which are kept in memory."""
    size = int(data.cardinality())
    if size < 0:
        reason, advice = {
            -1: ("without an end", ".take(n) ends it"),
            -2: (
                "of unknown size",
                ".apply(tf.data.experimental.assert_cardinality(n))",
            ),
        }[size]
        raise errors.DataError(
            f"data: expected a data set of known size for {split}, received one "
            f"{reason}: {advice}."
        )
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise errors.DataError(
            f"data: expected elements (input, label) of {split}, received {spec}."
        )
    if spec[1].shape.rank:
        advice = " .unbatch() takes batches apart." if spec[1].shape.rank == 1 else ""
        raise errors.DataError(
            f"data: expected one class as label, received {spec[1]}.{advice}"
        )
    return ((value, label, "") for value, label in data.as_numpy_iterator())


def _classes(
    rows: Sequence[_Row], class_names: Sequence[str] | None
) -> tuple[LabelMap, np.ndarray]:
    """Return the classes, and that of each row, int32 [n]."""
    found = [_label(row.label, place) for place, row in enumerate(rows)]
    kinds = {type(one) for one in found}
    if len(kinds) > 1:
        raise errors.DataError(
            "data: expected labels that are all numbers or all names, received both."
        )
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
    rows: Sequence[_Row], class_ids: np.ndarray, values: Values, config: RunConfig
) -> Table:
    """Return the table of examples that all are files, or all are values."""
    are_paths = {_is_path(row.value, values) for row in rows}
    if len(are_paths) > 1:
        raise errors.DataError("data: expected paths or values, received both.")
    groups = np.array([row.group for row in rows])
    split_names = np.array([row.split for row in rows])
    read: Read
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
    return Table(
        ids=np.array(ids),
        labels=class_ids,
        sizes=np.array(sizes, np.int64),
        split_names=split_names,
        read=read,
        groups=groups if groups.any() else None,
    )


def _is_path(value: Any, values: Values) -> bool:
    if isinstance(value, str):
        return not values.are_texts
    return isinstance(value, os.PathLike)


def _encode(value: Any, *, values: Values, config: RunConfig) -> bytes:
    """Return the payload of a value that is no path."""
    return value if isinstance(value, bytes) else values.encode(value, config)


def _checked(encode: Callable[[Any], bytes], row: _Row, place: int) -> tuple[str, int]:
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
