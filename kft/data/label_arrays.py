"""The labels of many examples: one class each, several, or one for each step.

Three kinds of array stand for them: int32 [n], the class of each example; float32
[n, classes], 1 for each class of an example, else 0; `Ragged` of int32, a class for
each step of an example. No TensorFlow.
"""

from collections.abc import Sequence

import numpy as np

from kft import errors
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged, Rows

Labels = Rows
# What fills up the labels of the steps of an example that is shorter than others.
NO_LABEL = -1


def is_one_class_each(labels: Labels) -> bool:
    """Return whether each example is of one class."""
    return isinstance(labels, np.ndarray) and labels.ndim == 1


def require_one_class_each(labels: Labels, flag: str) -> np.ndarray:
    """Return the class of each example, int32 [n].

    Args:
        labels: of the examples.
        flag: that means something only then, with its value.

    Raises:
        errors.ConfigError: naming the flag, where an example is not of one class.
    """
    if not isinstance(labels, Ragged) and labels.ndim == 1:
        return labels
    what = "a label for each step" if isinstance(labels, Ragged) else "several labels"
    raise errors.ConfigError(
        f"{flag}: expected examples of one class each, received examples with {what}. "
        "Leave the flag out."
    )


def without_class(labels: Labels) -> int:
    """Return how many examples are of no class, where they may be of several."""
    if isinstance(labels, Ragged) or labels.ndim == 1:
        return 0
    return int((~labels.any(axis=1)).sum())


def mean_of_classes(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the value of the class of each example; the mean of those of several.

    An example of no class has 1.

    Args:
        values: [classes].
        labels: int32 [...], or float32 [..., classes].

    Returns:
        [...].
    """
    if np.issubdtype(labels.dtype, np.integer):
        return np.asarray(values[labels])
    counts = labels.sum(axis=-1)
    means = labels @ values / np.maximum(counts, 1)
    return np.where(counts > 0, means, 1.0)


def require_no_steps(labels: Labels, flag: str) -> np.ndarray:
    """Return labels that are of whole examples: one class each, or several.

    Args:
        labels: of the examples.
        flag: that means something only then, with its value.

    Raises:
        errors.ConfigError: naming the flag, where each step has a label.
    """
    if isinstance(labels, Ragged):
        return require_one_class_each(labels, flag)
    return labels


def count(labels: Labels, num_classes: int) -> np.ndarray:
    """Return how often each class is there, int64 [classes].

    That is its number of examples, or of steps where each step has a label.
    """
    if isinstance(labels, Ragged):
        return np.bincount(labels.values, minlength=num_classes)
    if labels.ndim == 2:
        counts: np.ndarray = np.count_nonzero(labels, axis=0)
        return counts
    return np.bincount(labels, minlength=num_classes)


def texts(labels: Labels, label_map: LabelMap) -> list[str]:
    """Return the label of each example in words: the names of its classes.

    Names of steps have blanks between them, those of several classes commas.
    """
    names = label_map.names
    if isinstance(labels, Ragged):
        return [_joined(" ", labels[row], names) for row in range(len(labels))]
    if labels.ndim == 2:
        return [_joined(", ", np.flatnonzero(row), names) for row in labels]
    return [names[label] for label in labels]


def to_bytes(labels: Labels) -> bytes:
    """Return what stands for the labels in a fingerprint."""
    if isinstance(labels, Ragged):
        return to_bytes(labels.offsets) + to_bytes(labels.values)
    return labels.astype("<i8").tobytes()


def _joined(mark: str, class_ids: np.ndarray, names: Sequence[str]) -> str:
    return mark.join(names[class_id] for class_id in class_ids)
