"""Answers as text: an aligned table, CSV, or JSON lines.

An answer is a mapping, see `kft.tasks.task.Serving.answer`. JSON lines have it as it
is. In CSV, a list of ranked objects has a column for each of their fields and each
rank, such as label_1; any other value has one column, text as it is, a tuple of names
with | between them as training reads them, and the rest as JSON, such as names of which
one has a | in it. In a table every object is a cell: its texts, and its `probability`
in per cent; of any other list, too, each item is one; and all of a tuple.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kft.cli import terminal
from kft.data.sources import row_labels
from kft.inference.answers import Answer

# Answers are written as they come, so the column of the file cannot fit the longest.
_FILE_WIDTH = 40
_PROBABILITY = "probability"
_LINE_BREAKS = "\r\n"
# Between names; and what stands for none of them in a table.
_BETWEEN, _NOTHING = row_labels.SEPARATOR, "-"

# See `kft.tasks.task.Serving.answer_fields`.
Fields = Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True)
class OutputFormat:
    """How answers are written, a line each.

    Attributes:
        header: (fields, top_k) -> the line above all answers, None where there is none.
        line: (answer, fields, top_k) -> the line of an answer.
    """

    header: Callable[[Fields, int], str | None]
    line: Callable[[Answer, Fields, int], str]


def _no_header(fields: Fields, top_k: int) -> None:
    del fields, top_k


def _table_line(answer: Answer, fields: Fields, top_k: int) -> str:
    """Return the file, then the parts of the answer."""
    del fields, top_k
    if answer.error is not None:
        text = f"error: {answer.error}"
    else:
        text = "  ".join(
            cell for value in answer.content.values() for cell in _cells(value)
        )
    file = terminal.one_line(answer.file)
    return f"{file:{_FILE_WIDTH}}  {terminal.one_line(text)}"


def _cells(value: Any) -> Iterator[str]:
    """Yield what a table shows of a value."""
    if isinstance(value, tuple):
        yield _text(value) or _NOTHING
    elif isinstance(value, list):
        for one in value:
            yield from _cells(one)
    elif isinstance(value, Mapping):
        texts = [one for one in value.values() if isinstance(one, str)]
        if _PROBABILITY in value:
            texts.append(f"{value[_PROBABILITY]:.1%}")
        yield " ".join(texts)
    else:
        yield _text(value)


def _jsonl_line(answer: Answer, fields: Fields, top_k: int) -> str:
    """Return a JSON object: file, the answer, and error if there is one."""
    del fields, top_k
    content = {"file": answer.file, **answer.content}
    if answer.error is not None:
        content["error"] = answer.error
    return json.dumps(content, ensure_ascii=False)


def _csv_header(fields: Fields, top_k: int) -> str:
    """Return file, then the columns of each key, then error."""
    return _csv_line([*columns(fields, top_k), "error"])


def _csv_answer(answer: Answer, fields: Fields, top_k: int) -> str:
    cells = values(answer, fields, top_k)
    texts = ["" if cell is None else _text(cell) for cell in cells]
    return _csv_line([*texts, answer.error or ""])


def columns(fields: Fields, top_k: int) -> list[str]:
    """Return file, and the columns of each key: label_1, probability_1, label_2, ..."""
    found = ["file"]
    for key, names in fields.items():
        ranked = [f"{name}_{rank}" for rank in range(1, top_k + 1) for name in names]
        found += ranked or [key]
    return found


def values(answer: Answer, fields: Fields, top_k: int) -> list[Any]:
    """Return what an answer has in the columns, None where it has nothing."""
    cells: list[Any] = [answer.file]
    for key, names in fields.items():
        value = answer.content[key]
        if names:
            own = [one[name] for one in value[:top_k] for name in names]
            cells += own + [None] * (len(names) * top_k - len(own))
        else:
            cells.append(value)
    return cells


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and not any(_BETWEEN in name for name in value):
        return _BETWEEN.join(value)
    return json.dumps(value, ensure_ascii=False)


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    # Only what is in the terminator is sure to be quoted (Python 3.11).
    csv.writer(text, lineterminator=_LINE_BREAKS).writerow(cells)
    return text.getvalue().removesuffix(_LINE_BREAKS)


FORMATS = {
    "table": OutputFormat(_no_header, _table_line),
    "jsonl": OutputFormat(_no_header, _jsonl_line),
    "csv": OutputFormat(_csv_header, _csv_answer),
}
