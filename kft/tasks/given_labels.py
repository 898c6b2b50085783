"""Labels that people have in Python: names or numbers, of one class or of several."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kft import errors
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.sources import row_labels
from kft.tasks.given_rows import GivenRow

_Label = int | str


@dataclasses.dataclass(frozen=True)
class GivenLabels:
    """The classes of examples, as they were given.

    Attributes:
        of_rows: numbers or names of the classes of each example, never both.
        are_trained: whether each example is of the training split.
        count: of the classes, where arrays of 0 and 1 say it; the numbers are places in
            them then.
    """

    of_rows: Sequence[Sequence[_Label]]
    are_trained: Sequence[bool]
    count: int | None = None

    def named(
        self, class_names: Sequence[str] | None, *, numbers_are_names: bool
    ) -> tuple[LabelMap, Sequence[Sequence[str]]]:
        """Return the classes, and the names of those of each example.

        Args:
            class_names: of the classes that numbers count from 0; by default numbers
                are names themselves, in their order, and names are sorted.
            numbers_are_names: whether numbers are among `class_names`, and count
                nothing, unless they are places in an array.

        Raises:
            errors.DataError: for a label that is no class.
        """
        if class_names is None:
            return self._with(self._own_names(), numbers_count=False)
        names = tuple(map(str, class_names))
        if self.count not in (None, len(names)):
            raise errors.DataError(
                f"data: labels are arrays of {self.count} numbers, and there are "
                f"{len(names)} classes: {errors.listed(names, most=5)}."
            )
        counts = self.count is not None or not numbers_are_names
        return self._with(names, numbers_count=counts)

    def _own_names(self) -> tuple[str, ...]:
        """Return the names of the classes where nobody says any."""
        if self.count is not None:
            return tuple(map(str, range(self.count)))
        trained = {
            label
            for labels, is_trained in zip(self.of_rows, self.are_trained, strict=True)
            for label in labels
            if is_trained
        }
        # All are numbers, or all are names.
        return tuple(str(one) for one in sorted(trained))

    def _with(
        self, names: tuple[str, ...], *, numbers_count: bool
    ) -> tuple[LabelMap, Sequence[Sequence[str]]]:
        def name(label: _Label, place: int) -> str:
            if isinstance(label, int) and numbers_count:
                return _counted(label, place, names)
            text = str(label)
            if text not in names:
                raise errors.DataError(
                    f"data: label {place} is {text!r}, which is no class of training. "
                    f"{errors.closest(text, names)}"
                )
            return text

        named = [
            [name(label, place) for label in labels]
            for place, labels in enumerate(self.of_rows)
        ]
        return LabelMap(names), named


def _counted(label: int, place: int, names: tuple[str, ...]) -> str:
    if not 0 <= label < len(names):
        raise errors.DataError(
            f"data: label {place} is {label}, and there are {len(names)} class names "
            f"(0 to {len(names) - 1})."
        )
    return names[label]


def of(rows: Sequence[GivenRow], *, are_several: bool) -> GivenLabels:
    """Return the labels of examples.

    Args:
        rows: the examples.
        are_several: whether an example may be of several classes, or of none.

    Raises:
        errors.DataError: for what is no label, saying which.
    """
    places = list(enumerate(row.label for row in rows))
    count = _count_of_arrays(places) if are_several else None
    found: list[Sequence[_Label]]
    if count is not None:
        found = [np.flatnonzero(label).tolist() for _, label in places]
    elif are_several:
        found = [_several(label, place) for place, label in places]
        _check_lists(found)
    else:
        found = [(_one(label, place),) for place, label in places]
    if len({type(label) for labels in found for label in labels}) > 1:
        raise errors.DataError(
            "data: expected labels that are all numbers or all names, received both."
        )
    return GivenLabels(found, [row.split == TRAIN for row in rows], count)


def _one(label: Any, place: int) -> _Label:
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


def _several(label: Any, place: int) -> Sequence[_Label]:
    """Return the classes of an example that may be of several.

    Raises:
        errors.DataError: for what is no list of them, and for a class that is there
            twice.
    """
    where = f"data: label {place}"
    if isinstance(label, str):
        return row_labels.of_text(label, where)
    if not isinstance(label, list | tuple | set | frozenset | np.ndarray):
        raise errors.DataError(
            f"{where}: expected a list of classes (multi_label=True), [] for none, or "
            "an array of 0 and 1 with one number for each class, received "
            f"{label!r:.60} ({type(label).__name__})."
        )
    found = [_one(one, place) for one in label]
    if len(set(found)) < len(found):
        advice = (
            " Where it is 0 or 1 for each class, give a NumPy array."
            if set(found) <= {0, 1}
            else ""
        )
        raise errors.DataError(
            f"{where}: expected each class once, received {label!r:.60}.{advice}"
        )
    return found


def _check_lists(found: Sequence[Sequence[_Label]]) -> None:
    """Check that lists of classes are no lists of 0 and 1 for each class.

    Raises:
        errors.DataError: where they can only be these: each names the same two classes.
    """
    if found and all(len(labels) == 2 and set(labels) == {0, 1} for labels in found):
        raise errors.DataError(
            "data: each label is a list of 0 and 1: as numbers of classes, each "
            "example would be of both. Where it is 0 or 1 for each class, give NumPy "
            "arrays; else names of classes."
        )


def _count_of_arrays(places: Sequence[tuple[int, Any]]) -> int | None:
    """Return how many classes arrays of 0 and 1 have; None for labels of another form.

    Raises:
        errors.DataError: for some that are such arrays and some that are not, other
            numbers than 0 and 1, and arrays of different length.
    """
    are_arrays = [_is_array(label) for _, label in places]
    if not any(are_arrays):
        return None
    count = next(
        len(label)
        for (_, label), is_one in zip(places, are_arrays, strict=True)
        if is_one
    )
    for (place, label), is_one in zip(places, are_arrays, strict=True):
        if not is_one or len(label) != count or not np.isin(label, (0, 1)).all():
            raise errors.DataError(
                f"data: label {place}: expected an array of {count} numbers that are "
                f"0 or 1, as others are, received {label!r:.80}."
            )
    return count


def _is_array(label: Any) -> bool:
    """Return whether a label is an array of numbers, or of a bool for each class."""
    return (
        isinstance(label, np.ndarray) and label.ndim == 1 and label.dtype.kind in "biuf"
    )
