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
        label: as it was given.
        split: one of `SPLITS`.
        group: that stays in one split; an empty text for none.
    """

    value: Any
    label: Any
    split: str
    group: str


def rows(data: Data) -> Iterator[GivenRow]:
    """Yield the examples of all splits.

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
        for value, label, group in _columns(part, split):
            yield GivenRow(value, label, split, group)


def _columns(part: Data, split: str) -> Iterator[tuple[Any, Any, str]]:
    """Return input, label and group of each example."""
    if hasattr(part, "element_spec") and hasattr(part, "cardinality"):
        return _of_dataset(part, split)
    if hasattr(part, "columns") and hasattr(part, "to_dict"):
        return _of_frame(part)
    if isinstance(part, tuple | list) and len(part) in (2, 3):
        return _of_lists(part, split)
    raise errors.DataError(f"{FORMS}; received {type(part).__name__} for {split}.")


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
    return zip(inputs, labels, map(_group, groups), strict=True)


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
    groups = map(_group, frame["group"]) if "group" in names else [""] * len(values)
    return zip(values, frame["label"], groups, strict=True)


def _of_dataset(data: Any, split: str) -> Iterator[tuple[Any, Any, str]]:
    """Return the elements of a tf.data.Dataset, which are kept in memory."""
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
    if spec[1].shape.rank:
        advice = " .unbatch() takes batches apart." if spec[1].shape.rank == 1 else ""
        raise errors.DataError(
            f"data: expected one class as label, received {spec[1]}.{advice}"
        )
    steady = dataset_options.without_autotuning(data)
    return ((value, label, "") for value, label in steady.as_numpy_iterator())


def _group(value: Any) -> str:
    """Return the name of a group; nothing for a value that is missing."""
    # pandas has a number that is none in place of a missing text.
    is_missing = value is None or value != value
    return "" if is_missing else str(value)
