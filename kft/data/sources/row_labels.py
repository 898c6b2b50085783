"""What the rows of a table say of their classes: one, several or none of them."""

import collections
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kft import errors
from kft.data.label_arrays import Labels
from kft.data.labels import LabelMap

# Between the names of the classes of an example.
SEPARATOR = "|"
# As people write them, and as JSON and pandas do.
_SWITCHES = {"0": False, "1": True, "false": False, "true": True}


def of_text(text: str, place: str) -> tuple[str, ...]:
    """Return the names that a cell has, () for an empty one.

    Args:
        text: names with `SEPARATOR` between them.
        place: file and line, for messages.

    Raises:
        errors.DataError: where a name is missing, or there twice.
    """
    if not text.strip():
        return ()
    return checked([name.strip() for name in text.split(SEPARATOR)], repr(text), place)


def checked(names: Sequence[str], shown: str, place: str) -> tuple[str, ...]:
    """Return the names of the classes of an example.

    Args:
        names: of the classes.
        shown: what the file has, for messages.
        place: file and line, likewise.

    Raises:
        errors.DataError: where one is empty, or there twice.
    """
    if not all(names):
        raise errors.DataError(
            f"{place}: expected names of classes with {SEPARATOR} between them, "
            f"received {shown}, in which one is missing. An example of no class has "
            "an empty label."
        )
    repeated = [n for n, count in collections.Counter(names).items() if count > 1]
    if repeated:
        raise errors.DataError(
            f"{place}: expected each class once, received {shown}, in which "
            f"{repeated[0]!r} is there repeatedly."
        )
    return tuple(names)


def of_switches(
    values: Mapping[str, str], columns: Sequence[str], place: str
) -> tuple[str, ...]:
    """Return the names of the columns that are 1 or true.

    Args:
        values: by column, in lower case.
        columns: that are classes, as `check_columns` has seen them.
        place: file and line, for messages.

    Raises:
        errors.DataError: for a value other than 0, 1, false and true.
    """
    found = []
    for name in columns:
        value = values[name.lower()].strip().lower()
        if value not in _SWITCHES:
            raise errors.DataError(
                f"{place}: expected 0 or 1 in the column {name!r} of "
                f"--label_columns, received {value!r}."
            )
        if _SWITCHES[value]:
            found.append(name)
    return tuple(found)


def check_columns(columns: Sequence[str], others: Iterable[str]) -> None:
    """Check that each column of `--label_columns` is a class, and one only.

    Args:
        columns: that are classes; tables tell columns apart whatever their case.
        others: columns that are something else, in lower case.

    Raises:
        errors.ConfigError: naming the one that is not.
    """
    known = dict.fromkeys(others, "the column of something else")
    for name in columns:
        if name.lower() in known:
            raise errors.ConfigError(
                f"--label_columns: {name!r} is {known[name.lower()]}. Give each column "
                "that is a class once."
            )
        known[name.lower()] = "there twice"


def targets(
    named: Sequence[Sequence[str]], labels: LabelMap, *, is_multi_label: bool
) -> Labels:
    """Return int32 [n], the class of each example; of several float32 [n, classes].

    Args:
        named: names of the classes of each example; one each where there are not
            several.
        labels: the classes.
        is_multi_label: whether an example may be of several classes, or of none.
    """
    if not is_multi_label:
        return np.array([labels.index(name) for (name,) in named], np.int32)
    switches = np.zeros([len(named), len(labels)], np.float32)
    for row, names in enumerate(named):
        switches[row, [labels.index(name) for name in names]] = 1.0
    return switches
