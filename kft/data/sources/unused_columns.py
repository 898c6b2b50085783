"""Columns of a table that nothing reads, and what some of them look like."""

import functools
import re
import shlex
from collections.abc import Mapping, Sequence

from absl import logging

from kft.data.sources import split_words

# Words in the names of columns that say from whom or what several rows are, and why
# that matters.
_ORIGINS = frozenset(
    "author client customer patient person recording session speaker subject user "
    "writer".split()
)
_WHY = {"split": "", "group": ", and keeps what is alike in one split"}


def say(
    flag: str,
    unused: Mapping[int, str],
    rows: Sequence[Sequence[str]],
    *,
    known: str,
    lacking: Sequence[str],
) -> None:
    """Say which columns are not used, and which of them may be meant for something.

    Args:
        flag: what names the table.
        unused: names of columns by their places; empty where they have none.
        rows: the fields of each row.
        known: the columns that are read, for people.
        lacking: those of them that the table has not.
    """
    likely = {
        part: name
        for part, found in _LOOKS.items()
        if part in lacking and (name := found(unused, rows))
    }
    shown = tuple(name or f"number {n + 1}" for n, name in unused.items())
    _say_once(flag, shown, known, tuple(likely.items()))


def _named_like_splits(
    unused: Mapping[int, str], rows: Sequence[Sequence[str]]
) -> str | None:
    """Return the column in which every row has the name of a split, if there is one.

    Args:
        unused: columns by their places.
        rows: the fields of each row.
    """
    for place, name in unused.items():
        if name and all(split_words.of_name(row[place].strip()) for row in rows):
            return name
    return None


def _named_like_groups(
    unused: Mapping[int, str], rows: Sequence[Sequence[str]]
) -> str | None:
    """Return the column that tells who or what several rows come from, if one may.

    Args:
        unused: columns by their places.
        rows: the fields of each row.
    """
    for place, name in unused.items():
        is_origin = _ORIGINS.intersection(re.split(r"[^a-z]+", name.lower()))
        if is_origin and 1 < len({row[place] for row in rows}) < len(rows):
            return name
    return None


_LOOKS = {"split": _named_like_splits, "group": _named_like_groups}


@functools.cache
def _say_once(
    flag: str,
    names: tuple[str, ...],
    known: str,
    likely: tuple[tuple[str, str], ...],
) -> None:
    """Say which columns are not used, once for each table.

    Args:
        flag: what names the table.
        names: of the columns.
        known: the columns that are.
        likely: pairs of split or group, and the one of them that looks like that.
    """
    if not names:
        return
    advice = "".join(
        f" {name} looks like the {part}: "
        f"{shlex.quote(f'--csv_columns={part}={name}')} takes it{_WHY[part]}."
        for part, name in likely
    )
    logging.warning(
        "%s: these columns are not used: %s. Known ones: %s.%s",
        *(flag, ", ".join(names), known, advice),
    )
