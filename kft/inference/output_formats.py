"""Answers as text: an aligned table, CSV, or JSON lines."""

import csv
import dataclasses
import io
import json
from collections.abc import Callable

from kft.inference.predictor import Answer

# Answers are written as they come, so the column of the file cannot fit the longest.
_FILE_WIDTH = 40


@dataclasses.dataclass(frozen=True)
class Format:
    """How answers are written, a line each.

    Attributes:
        header: top_k -> the line above all answers, None where there is none.
        line: (answer, top_k) -> the line of an answer.
    """

    header: Callable[[int], str | None]
    line: Callable[[Answer, int], str]


def _no_header(top_k: int) -> None:
    del top_k


def _table_line(answer: Answer, top_k: int) -> str:
    """Return the file, then the classes with percentages."""
    del top_k
    cells = [f"{one.label} {one.probability:.1%}" for one in answer.predictions]
    text = "  ".join(cells) if answer.error is None else f"error: {answer.error}"
    return f"{answer.file:{_FILE_WIDTH}}  {text}"


def _jsonl_line(answer: Answer, top_k: int) -> str:
    """Return a JSON object: file, predictions, and error if there is one."""
    del top_k
    predictions = [dataclasses.asdict(one) for one in answer.predictions]
    content = {"file": answer.file, "predictions": predictions}
    if answer.error is not None:
        content["error"] = answer.error
    return json.dumps(content, ensure_ascii=False)


def _csv_header(top_k: int) -> str:
    """Return file, then label_i, class_id_i, probability_i for i = 1 to k, error."""
    names = ("label", "class_id", "probability")
    columns = [f"{name}_{rank}" for rank in range(1, top_k + 1) for name in names]
    return _csv_line(["file", *columns, "error"])


def _csv_answer(answer: Answer, top_k: int) -> str:
    cells = []
    for one in answer.predictions:
        cells += [one.label, str(one.class_id), repr(one.probability)]
    cells += [""] * (3 * top_k - len(cells))
    return _csv_line([answer.file, *cells, answer.error or ""])


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


FORMATS = {
    "table": Format(_no_header, _table_line),
    "jsonl": Format(_no_header, _jsonl_line),
    "csv": Format(_csv_header, _csv_answer),
}
