"""Tables in text files; mistakes are named with their line."""

import csv
import dataclasses
import io
import re
import typing
from collections.abc import Iterator, Mapping, Sequence

from kft import errors
from kft.data.sources import text_file, unused_columns

if typing.TYPE_CHECKING:
    from _csv import Reader


_SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
# For people, in the order of use.
_KNOWN_SEPARATORS = "commas, semicolons, tabs or vertical bars"
# Of Unix, Windows, and old spreadsheets for Macs.
_LINE_BREAK = re.compile("\r\n|\r|\n")
_SAYS_SEPARATOR = re.compile(r'"?sep=([\t,;|])"?')
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A row of a table.

    Attributes:
        line: where it ends in the file, counted from 1.
        values: by column; those of optional columns only where the file has them.
        flag: what names the table, for messages.
    """

    line: int
    values: Mapping[str, str]
    flag: str

    @property
    def place(self) -> str:
        """Return table and line, for messages."""
        return f"{self.flag}, line {self.line}"

    def seen_from(self, row: "TableRow") -> str:
        """Return where this row is to somebody who reads about another one."""
        return f"line {self.line}" if row.flag == self.flag else self.place


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
    rows = read_rows(path, flag=flag, needed=needed, optional=optional, advice=advice)
    return filled(rows, needed, exact=exact)


def filled(
    rows: Sequence[TableRow], needed: Sequence[str], *, exact: bool = False
) -> list[TableRow]:
    """Return rows of `read_rows`, each of which fills some columns.

    Args:
        rows: of a table.
        needed: columns that every row has to fill.
        exact: whether white space around a value belongs to it.

    Raises:
        errors.DataError: naming the line that does not.
    """
    found = []
    for row in rows:
        _check_filled(row.values, needed, row.place)
        values = row.values
        if not exact:
            values = {name: value.strip() for name, value in values.items()}
        found.append(dataclasses.replace(row, values=values))
    return found


def read_rows(
    path: str,
    *,
    flag: str,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    advice: str = "",
) -> list[TableRow]:
    """Return the rows of a table, whatever is in them.

    The separator is a comma, a semicolon, a tab or a vertical bar: the one with which
    the first line has the columns. Columns come in any order; others than those asked
    for are left alone. Empty lines do not count, nor does a first line `sep=;` as
    spreadsheets write it.

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
    text_file.check_exists(path, flag=flag)
    content = text_file.read(path, flag)
    separator, skipped = _separator(content, needed)
    lines = _reader(content, separator)
    found = [pair for pair in _numbered(lines, flag) if pair[0] > skipped]
    if len(found) < 2:
        raise errors.DataError(f"{flag}: expected rows below the first line, got none.")
    (_, head), *numbered = found
    columns = _columns(head, flag, (needed, optional), advice)
    for line, fields in numbered:
        if len(fields) != len(head):
            between = _SEPARATORS[separator]
            raise errors.DataError(
                f"{flag}, line {line}: expected {len(head)} fields with {between} "
                f"between them, as in the first line, received {len(fields)}: "
                f"{fields}. A value with {between} in it stands in double quotes."
            )
    others = {n: name.strip() for n, name in enumerate(head)}
    for place in columns.values():
        del others[place]
    unused_columns.say(
        flag,
        others,
        [fields for _, fields in numbered],
        known=expected(needed, optional),
        lacking=[name for name in optional if name not in columns],
    )
    return [
        TableRow(line, {name: fields[place] for name, place in columns.items()}, flag)
        for line, fields in numbered
    ]


def has_columns(content: str, names: Sequence[str], *, flag: str) -> bool:
    """Return whether a table has all of some columns, as `read_rows` would find them.

    Args:
        content: of the file; see `text_file.read`.
        names: of the columns, in lower case.
        flag: what names the file, for messages.

    Raises:
        errors.DataError: where the line with the columns is none of a table.
    """
    separator, skipped = _separator(content, names)
    lines = _numbered(_reader(content, separator), flag)
    head = next((fields for number, fields in lines if number > skipped), ())
    return set(names) <= {field.strip().lower() for field in head}


def _check_filled(values: Mapping[str, str], needed: Sequence[str], where: str) -> None:
    """Check that a row has all that it needs; raises DataError."""
    for name in needed:
        if not values[name].strip() or "\0" in values[name]:
            raise errors.DataError(
                f"{where}: expected a {name}, received {values[name].strip()!r}."
            )


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


def _reader(content: str, separator: str) -> "Reader":
    # A text may be longer than the module's own limit, which is of the whole process.
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    bare = _has_bare_quotes(content, separator)
    return csv.reader(
        io.StringIO(content, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL,
        strict=True,
    )


def _has_bare_quotes(content: str, separator: str) -> bool:
    """Return whether quotes in a table with tabs are signs of its texts.

    Some programs write tabs without quoting anything (Common Voice, GLUE), so that a
    text may begin with a quote, and read otherwise would go on up to the next one.
    """
    if separator != "\t" or '"' not in content:
        return False
    rows = [line.split("\t") for line in _LINE_BREAK.split(content) if line]
    return (
        len(rows[0]) > 1
        and len({len(row) for row in rows}) == 1
        and not all(
            _QUOTED.fullmatch(field)
            for row in rows
            for field in row
            if field.startswith('"')
        )
    )


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
    missing = [name for name in needed if name not in names]
    repeated = [name for name in known if names.count(name) > 1]
    if missing or repeated:
        what = f"{missing[0]!r} is missing" if missing else f"two are {repeated[0]!r}"
        raise errors.DataError(
            f"{flag}, line 1: expected the names of the columns "
            f"{expected(needed, optional)}, with {_KNOWN_SEPARATORS} between them; "
            f"{what}. Received: {', '.join(fields)}. {advice}".rstrip()
        )
    return {name: names.index(name) for name in known if name in names}


def expected(needed: Sequence[str], optional: Sequence[str]) -> str:
    """Return columns for a message, those that may be missing in brackets."""
    return ", ".join([*needed, *(f"[{name}]" for name in optional)])
