"""The forms in which people have data in Python, as rows."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kft import errors
from kft.data.examples import SPLITS, TRAIN
from kft.data.sources import split_words

# (inputs, labels), (inputs, labels, groups), a pandas.DataFrame or a tf.data.Dataset;
# or a mapping from the names of splits to these.
Data = Any
FORMS = (
    "data: expected (inputs, labels), (inputs, labels, groups), a pandas.DataFrame, a "
    "tf.data.Dataset of (input, label), or a dict of these by train, validation and "
    "test"
)


@dataclasses.dataclass(frozen=True)
class GivenRow:
    """An example.

    Attributes:
        value: array, text, encoded bytes, or path of a file.
        label: as it was given: a name or a number; where an example may be of several
            classes a list of them, names with | between, or an array of 0 and 1.
        split: one of `SPLITS`.
        group: that stays in one split; an empty text for none.
    """

    value: Any
    label: Any
    split: str
    group: str


def rows(
    data: Data, *, are_several: bool = False, class_columns: Sequence[str] = ()
) -> Iterator[GivenRow]:
    """Yield the examples of all splits.

    Args:
        data: in one of the forms.
        are_several: whether an example may be of several classes, or of none.
        class_columns: of a DataFrame, which are 1 for examples of the class.

    Raises:
        errors.DataError: for another form, saying what came.
    """
    parts = data if isinstance(data, Mapping) else {TRAIN: data}
    for name, part in parts.items():
        split = split_words.of_name(str(name))
        if split is None:
            raise errors.DataError(
                f"{FORMS}; received a dict with {name!r}. Its keys are "
                f"{', '.join(SPLITS)}."
            )
        for value, label, group in _columns(part, split, are_several, class_columns):
            yield GivenRow(value, label, split, group)


def _columns(
    part: Data, split: str, are_several: bool, class_columns: Sequence[str]
) -> Iterator[tuple[Any, Any, str]]:
    """Return input, label and group of each example."""
    if hasattr(part, "columns") and hasattr(part, "to_dict"):
        return _of_frame(part, class_columns)
    if class_columns:
        raise errors.ConfigError(
            f"label_columns={','.join(class_columns)}: these are columns of a "
            f"DataFrame, received {type(part).__name__} as data for {split}. An array "
            "of 0 and 1 as labels says the same, with class_names=."
        )
    if hasattr(part, "element_spec") and hasattr(part, "cardinality"):
        return _of_dataset(part, split, 1 if are_several else 0)
    if isinstance(part, tuple | list) and len(part) in (2, 3):
        return _of_lists(part, split, are_several)
    raise errors.DataError(f"{FORMS}; received {type(part).__name__} for {split}.")


def _of_lists(
    part: Sequence[Any], split: str, are_several: bool
) -> Iterator[tuple[Any, Any, str]]:
    inputs, labels = part[:2]
    groups = part[2] if len(part) == 3 else [""] * len(inputs)
    lengths = len(inputs), len(labels), len(groups)
    if len(set(lengths)) > 1:
        counts = [*zip(lengths, ("inputs", "labels", "groups"), strict=True)]
        received = ", ".join(f"{n:,} {what}" for n, what in counts[: len(part)])
        raise errors.DataError(
            f"data: expected a label for each input of {split}, received {received}."
        )
    shape = () if are_several else _shape(labels)
    if len(shape) > 1:
        advice = (
            " Give labels.argmax(axis=1), or multi_label=True where an example may be "
            "of several classes."
            if len(shape) == 2
            else ""
        )
        raise errors.DataError(
            f"data: expected one class for each input of {split}, received labels of "
            f"the shape {list(shape)}.{advice}"
        )
    return zip(inputs, labels, map(_group, groups), strict=True)


def _shape(labels: Any) -> tuple[int, ...]:
    """Return the shape of labels; that of a list where its elements differ."""
    try:
        return np.shape(labels)
    except ValueError:
        return (len(labels), 0)


def _of_frame(
    frame: Any, class_columns: Sequence[str]
) -> Iterator[tuple[Any, Any, str]]:
    """Return the rows of a pandas.DataFrame."""
    names = [str(name) for name in frame.columns]
    contents = [name for name in ("path", "text") if name in names]
    missing = [name for name in class_columns if name not in names]
    if missing:
        raise errors.DataError(
            f"data: expected a DataFrame with the columns {', '.join(class_columns)} "
            f"(label_columns), received {', '.join(names)}."
        )
    if (not class_columns and "label" not in names) or len(contents) != 1:
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
    groups = map(_group, frame["group"]) if "group" in names else [""] * len(values)
    labels = frame["label"] if not class_columns else _switches(frame, class_columns)
    return zip(values, labels, groups, strict=True)


def _switches(frame: Any, class_columns: Sequence[str]) -> np.ndarray:
    return np.stack([np.asarray(frame[name]) for name in class_columns], axis=1)


def _of_dataset(data: Any, split: str, rank: int) -> Iterator[tuple[Any, Any, str]]:
    """Return the elements of a tf.data.Dataset, which are kept in memory.

    Args:
        data: of (input, label).
        split: that they are of.
        rank: of a label: 0 for a class, 1 for switches of all classes.
    """
    from kft.data import dataset_options

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
    found = spec[1].shape.rank or 0
    if found != rank:
        advice = " .unbatch() takes batches apart." if found == rank + 1 else ""
        expected = "0 or 1 for each class" if rank else "one class"
        raise errors.DataError(
            f"data: expected {expected} as label, received {spec[1]}.{advice}"
        )
    steady = dataset_options.without_autotuning(data)
    return ((value, label, "") for value, label in steady.as_numpy_iterator())


def _group(value: Any) -> str:
    """Return the name of a group; nothing for a value that is missing."""
    # pandas has a number that is none in place of a missing text.
    is_missing = value is None or value != value
    return "" if is_missing else str(value)
