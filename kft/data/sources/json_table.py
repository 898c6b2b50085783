"""Files with a JSON object a line, read as the rows of a table."""

import collections
import math
from collections.abc import Mapping, Sequence
from typing import Any

from kft import errors
from kft.data.sources import json_lines, row_labels, table_file, unused_columns
from kft.data.sources.json_lines import JsonLine
from kft.data.sources.table_file import TableRow

_SHOWN = 8


def read_rows(
    path: str,
    *,
    flag: str,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    advice: str = "",
    has_several: bool = True,
) -> list[TableRow]:
    """Return the lines as `table_file.read_rows` returns those of a table.

    A key is a column, whatever its case. Numbers and truth values are written as Python
    writes them; null and a missing key are empty; the texts of a list stand with
    `row_labels.SEPARATOR` between them, where there may be several.

    Args:
        path: of a UTF-8 text file, local or remote.
        flag: what names it, for messages.
        needed: keys that some line has to have.
        optional: keys that may be missing.
        advice: what to do where a key is missing, a sentence.
        has_several: whether a list may have more than one text.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such file, naming the line.
    """
    lines = json_lines.read(path, flag)
    objects = [_by_column(line.values) for line in lines]
    columns = list(dict.fromkeys(key for values in objects for key in values))
    known = (*needed, *optional)
    expected = table_file.expected(needed, optional)
    missing = [name for name in needed if name not in columns]
    if missing:
        raise errors.DataError(
            f"{flag}: expected the keys {expected}; {missing[0]!r} is missing. "
            f"Received: {errors.listed(columns, most=_SHOWN)}. {advice}".rstrip()
        )
    unused = [name for name in columns if name not in known]
    unused_columns.say(
        flag,
        dict(enumerate(unused)),
        [[str(values.get(name, "")) for name in unused] for values in objects],
        known=expected,
        lacking=[name for name in optional if name not in columns],
    )
    used = [name for name in known if name in columns]
    for line in lines:
        _check_once(line, used)
    most = None if has_several else 1
    return [
        TableRow(
            line.number,
            {name: _text(values.get(name), name, line, most=most) for name in used},
            flag,
        )
        for line, values in zip(lines, objects, strict=True)
    ]


def columns(path: str, *, flag: str) -> frozenset[str]:
    """Return the keys of all objects of a file, in lower case.

    Args:
        path: of the file, local or remote.
        flag: what names the file, for messages.

    Raises:
        errors.ConfigError, errors.DataError: see `read_rows`.
    """
    lines = json_lines.read(path, flag)
    return frozenset(key for line in lines for key in _by_column(line.values))


def _by_column(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.strip().lower(): value for key, value in values.items()}


def _check_once(line: JsonLine, names: Sequence[str]) -> None:
    """Check that no column is there in two spellings; raises DataError."""
    counts = collections.Counter(key.strip().lower() for key in line.values)
    repeated = [name for name in names if counts[name] > 1]
    if repeated:
        raise errors.DataError(
            f"{line.place}: expected each key once, whatever its case; two are "
            f"{repeated[0]!r}. Received: {errors.listed(line.values, most=_SHOWN)}."
        )


def _shown(value: Any) -> str:
    return errors.excerpt(repr(value))


def _text(value: Any, name: str, line: JsonLine, *, most: int | None = None) -> str:
    """Return a value as the cell of a table has it; raises DataError.

    Args:
        value: that the line has.
        name: of the column.
        line: for messages.
        most: values in a list; None for any number.
    """
    if value is None or value == "":
        return ""
    if isinstance(value, list):
        if most is not None and len(value) > most:
            raise errors.DataError(
                f"{line.place}: expected one {name}, received {_shown(value)}. Where "
                "examples may be of several classes: --multi_label, in tasks that have "
                "it."
            )
        return row_labels.SEPARATOR.join(_listed_text(one, name, line) for one in value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    if json_lines.is_text(value):
        return str(value)
    raise errors.DataError(
        f"{line.place}: expected a text or a number as {name!r}, received "
        f"{_shown(value)}."
    )


def _listed_text(value: Any, name: str, line: JsonLine) -> str:
    text = "" if isinstance(value, list) else _text(value, name, line)
    if not text or row_labels.SEPARATOR in text:
        raise errors.DataError(
            f"{line.place}: expected texts without {row_labels.SEPARATOR} in the list "
            f"{name!r}, received {_shown(value)}."
        )
    return text
