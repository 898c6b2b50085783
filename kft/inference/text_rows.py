"""Texts to predict that stand in a table, in JSON lines, or in lines."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kft import errors
from kft.data.sources import json_lines, name_pairs, table_file, text_file

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_TABLES = (".csv", ".tsv")
# Between several texts of a payload, see `kft.tasks.task.Serving.request_columns`.
_BETWEEN = "\0"


@dataclasses.dataclass(frozen=True)
class TextRow:
    """A text, or why it is none.

    Attributes:
        line: where it ends, from 1 on; None for what is said of all of it.
        error: None for a text.
        content: the payload; None where `error` is not.
    """

    line: int | None
    error: str | None = None
    content: bytes | None = None


def columns(parts: Sequence[str], named: Sequence[str]) -> Sequence[str]:
    """Return what the columns of requests are called.

    Args:
        parts: what they are called where nobody says otherwise; () where requests are
            files.
        named: as `--csv_columns` has them, texts `part=name`.

    Raises:
        errors.ConfigError: for names of parts that there are not.
    """
    if named and not parts:
        raise errors.ConfigError(
            "--csv_columns is about tables of texts; this model takes files. Remove it."
        )
    defaults = {part: part for part in parts}
    names = name_pairs.parse("csv_columns", named, defaults, needed=parts)
    return [names[part] for part in parts]


def is_table(path: str) -> bool:
    """Return whether a file has rows, by the ending of its name."""
    return path.lower().endswith((*_TABLES, *_JSON_LINES))


def of_table(path: str, columns: Sequence[str]) -> Iterator[TextRow]:
    """Yield the rows of a csv or tsv table, or of JSON lines.

    Args:
        path: of the file.
        columns: whose texts are the payload; other ones are left alone.
    """
    # As the first line of a table is read.
    columns = [column.lower() for column in columns] if _is_csv(path) else columns
    name = os.path.basename(path)
    try:
        if not _is_csv(path):
            lines = text_file.read(path, name).split("\n")
            yield from _of_json(lines, columns)
            return
        rows = table_file.read_rows(
            path,
            flag=name,
            needed=columns,
            advice=f"--csv_columns={columns[0]}=NAME says what it is called.",
        )
    except errors.KftError as error:
        yield TextRow(None, str(error))
        return
    for row in rows:
        yield _row(row.line, [row.values[column] for column in columns], columns)


def _is_csv(path: str) -> bool:
    return path.lower().endswith(_TABLES)


def of_lines(lines: Iterable[bytes], columns: Sequence[str]) -> Iterator[TextRow]:
    """Yield the lines that are not empty; several texts have tabs between them.

    Args:
        lines: in UTF-8, each with or without its end.
        columns: what the texts of a line are called.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            text = line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield TextRow(number, f"expected a line in UTF-8: {error}")
            continue
        texts = text.split("\t") if len(columns) > 1 else [text]
        yield _row(number, texts, columns)


def _of_json(lines: Iterable[str], columns: Sequence[str]) -> Iterator[TextRow]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json_lines.parse(line, f"line {number}")
        except errors.DataError as error:
            yield TextRow(number, str(error))
            continue
        yield _row(number, [values.get(column) for column in columns], columns)


def _row(line: int, texts: Sequence[Any], columns: Sequence[str]) -> TextRow:
    is_right = len(texts) == len(columns) and all(
        isinstance(text, str) and text.strip() for text in texts
    )
    if not is_right:
        return TextRow(line, f"expected texts as {', '.join(columns)}, got {texts!r}")
    try:
        return TextRow(line, content=_BETWEEN.join(texts).encode())
    except UnicodeEncodeError as error:
        return TextRow(line, f"expected text that UTF-8 can hold: {error}")
