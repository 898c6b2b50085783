"""Tables in text files; mistakes are named with their line."""

import csv
import dataclasses
import io
import os
import re
import typing
from collections.abc import Iterator, Mapping, Sequence

from absl import logging

from kft import errors
from kft.data.sources import filesystem

if typing.TYPE_CHECKING:
    from _csv import Reader


_SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons"}
# Of Unix, Windows, and old spreadsheets for Macs.
_LINE_BREAK = re.compile("\r\n|\r|\n")
_SAYS_SEPARATOR = re.compile(r'"?sep=([\t,;])"?')


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A row of a table.

    Attributes:
        line: where it ends in the file, counted from 1.
        values: by column; those of optional columns only where the file has them.
    """

    line: int
    values: Mapping[str, str]


def check_exists(path: str, *, flag: str) -> None:
    """Check that a local file is there; remote ones wait until they are read.

    Args:
        path: of the file.
        flag: what names it, for messages.

    Raises:
        errors.ConfigError: where it is not.
    """
    path = filesystem.expand(path)
    if filesystem.is_remote(path) or os.path.isfile(path):
        return
    folder, name = os.path.split(path)
    near = "Check the path."
    if name and os.path.isdir(folder or "."):
        near = errors.closest(name, sorted(os.listdir(folder or ".")), most=0) or near
    raise errors.ConfigError(
        f"{flag}: expected a table in a text file; there is no file {path!r}. {near}"
    )


def read(
    path: str,
    *,
    flag: str,
    needed: Sequence[str],
    optional: Sequence[str],
    exact: bool = False,
    advice: str = "",
) -> list[TableRow]:
    """Return the rows of a table whose first line names the columns.

    Args:
        path: see `read_rows`.
        flag: likewise.
        needed: columns that every row has to fill.
        optional: columns that may be missing, as a whole or in a row.
        exact: whether white space around a value belongs to it.
        advice: see `read_rows`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    rows = []
    for row in read_rows(
        path, flag=flag, needed=needed, optional=optional, advice=advice
    ):
        _check_filled(row.values, needed, f"{flag}, line {row.line}")
        values = row.values
        if not exact:
            values = {name: value.strip() for name, value in values.items()}
        rows.append(TableRow(row.line, values))
    return rows


def read_rows(
    path: str,
    *,
    flag: str,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    advice: str = "",
) -> list[TableRow]:
    """Return the rows of a table, whatever is in them.

    The separator is a comma, a semicolon or a tab: the one with which the first line
    has the columns. Columns come in any order; others than those asked for are left
    alone. Empty lines do not count, nor does a first line `sep=;` as spreadsheets
    write it.

    Args:
        path: of a UTF-8 text file, local or remote.
        flag: what names it, for messages.
        needed: columns that there have to be.
        optional: columns that may be missing.
        advice: what to do where a column is missing, a sentence.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    check_exists(path, flag=flag)
    content = text(path, flag)
    separator, skipped = _separator(content, needed)
    # A text may be longer than the module's own limit, which is of the whole process.
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    lines = csv.reader(
        io.StringIO(content, newline=""), delimiter=separator, strict=True
    )
    columns: dict[str, int] | None = None
    rows = []
    for line, fields in _numbered(lines, flag):
        if line <= skipped:
            continue
        if columns is None:
            columns = _columns(fields, flag, (needed, optional), advice)
            width = len(fields)
            continue
        if len(fields) != width:
            raise errors.DataError(
                f"{flag}, line {line}: expected {width} fields with "
                f"{_SEPARATORS[separator]} between them, as in the first line, "
                f"received {len(fields)}: {fields}."
            )
        values = {name: fields[place] for name, place in columns.items()}
        rows.append(TableRow(line, values))
    if not rows:
        raise errors.DataError(f"{flag}: expected rows below the first line, got none.")
    return rows


def _check_filled(values: Mapping[str, str], needed: Sequence[str], where: str) -> None:
    """Check that a row has all that it needs; raises DataError."""
    for name in needed:
        if not values[name].strip() or "\0" in values[name]:
            raise errors.DataError(
                f"{where}: expected a {name}, received {values[name].strip()!r}."
            )


def text(path: str, flag: str) -> str:
    """Return the content of a text file, local or remote.

    Raises:
        errors.DataError: where it cannot be read as UTF-8.
    """
    path = filesystem.expand(path)
    try:
        if filesystem.is_remote(path):
            return _remote_content(path).decode("utf-8-sig")
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise errors.DataError(
            f"{flag}, line {line}: expected a text file in UTF-8; it cannot be read: "
            f"{error}. Save it as UTF-8 (spreadsheets call it CSV UTF-8)."
        ) from error
    except OSError as error:
        raise errors.DataError(
            f"{flag}: expected a text file in UTF-8; it cannot be read: {error}."
        ) from error


def _remote_content(path: str) -> bytes:
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content: bytes = file.read()
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return content


def _separator(content: str, needed: Sequence[str]) -> tuple[str, int]:
    """Return the separator, and how many lines come before that of the columns."""
    first = _LINE_BREAK.split(content, maxsplit=1)[0]
    said = _SAYS_SEPARATOR.fullmatch(first.strip())
    if said:
        return said[1], 1
    for separator in _SEPARATORS:
        names = next(csv.reader([first], delimiter=separator), [])
        if set(needed) <= {name.strip().lower() for name in names}:
            return separator, 0
    return ("\t" if "\t" in first else ","), 0


def _numbered(lines: "Reader", flag: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the lines that are not empty, with their numbers."""
    begin = 1
    try:
        for fields in lines:
            begin = lines.line_num + 1
            if any(field.strip() for field in fields):
                yield lines.line_num, fields
    except csv.Error as error:
        # A quote that is never closed takes all lines up to the end of the file.
        to = f" to {lines.line_num}" if lines.line_num > begin else ""
        raise errors.DataError(
            f"{flag}, line {begin}{to}: expected a row of a table: {error}."
        ) from error


def _columns(
    fields: Sequence[str],
    flag: str,
    wanted: tuple[Sequence[str], Sequence[str]],
    advice: str,
) -> dict[str, int]:
    """Return the place of each column that is wanted: the needed ones, and others."""
    needed, optional = wanted
    names = [field.strip().lower() for field in fields]
    known = (*needed, *optional)
    expected = ", ".join([*needed, *(f"[{name}]" for name in optional)])
    missing = [name for name in needed if name not in names]
    repeated = [name for name in known if names.count(name) > 1]
    if missing or repeated:
        what = f"{missing[0]!r} is missing" if missing else f"two are {repeated[0]!r}"
        raise errors.DataError(
            f"{flag}, line 1: expected the names of the columns {expected}, with "
            f"commas, semicolons or tabs between them; {what}. Received: "
            f"{', '.join(fields)}. {advice}".rstrip()
        )
    others = [field for field in fields if field.strip().lower() not in known]
    if others:
        logging.warning(
            "%s: these columns are not used: %s. Known ones: %s.",
            flag,
            ", ".join(others),
            expected,
        )
    return {name: names.index(name) for name in known if name in names}
