"""Lines of answers, whatever an answer is made of."""

import csv
import dataclasses
import io
import json

import pytest

from kft.inference.answers import Answer
from kft.inference.output_formats import FORMATS

FIELDS = {"spans": (), "predictions": ("label", "probability"), "text": ()}
SPAN = {"label": "LOC", "text": "Köln", "start": 3, "probability": 0.98}
ANSWER = Answer(
    "a.txt",
    {
        "spans": [SPAN],
        "predictions": [{"label": "news", "probability": 0.25}],
        "text": 'so "so"',
    },
)
FAILED = Answer("b.txt", {"spans": None, "predictions": [], "text": None}, "is bad")


def test_json_has_the_answer_as_it_is() -> None:
    line = FORMATS["jsonl"].line(ANSWER, FIELDS, 2)
    assert json.loads(line) == {"file": "a.txt", **ANSWER.content}
    assert "Köln" in line
    assert list(json.loads(FORMATS["jsonl"].line(FAILED, FIELDS, 2))) == [
        *("file", "spans", "predictions", "text", "error")
    ]


def test_csv_has_ranks_for_alternatives_and_json_for_what_else_is_no_text() -> None:
    style = FORMATS["csv"]
    assert style.header(FIELDS, 2) == (
        "file,spans,label_1,probability_1,label_2,probability_2,text,error"
    )
    line = style.line(ANSWER, FIELDS, 2)
    span = json.dumps([SPAN], ensure_ascii=False).replace('"', '""')
    assert line == f'a.txt,"{span}",news,0.25,,,"so ""so""",'
    assert style.line(FAILED, FIELDS, 2) == "b.txt,,,,,,,is bad"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), ""),
        (("cat",), "cat"),
        (("cat", "dog"), "cat|dog"),
        (("cat|dog",), '["cat|dog"]'),
        (("Kühe", "cat|dog"), '["Kühe", "cat|dog"]'),
    ],
)
def test_csv_has_names_as_they_can_be_told_apart(names, expected) -> None:
    line = FORMATS["csv"].line(Answer("a", {"labels": names}), {"labels": ()}, 1)
    assert next(csv.reader([line])) == ["a", expected, ""]


def test_a_table_shows_texts_and_per_cent() -> None:
    line = FORMATS["table"].line(ANSWER, FIELDS, 2)
    assert line.split("  ")[0] == "a.txt"
    assert line.endswith('  LOC Köln 98.0%  news 25.0%  so "so"')
    assert FORMATS["table"].line(FAILED, FIELDS, 2).endswith("  error: is bad")


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\rb.jpg", 'a,"b".jpg', "a\r\nb"])
def test_csv_has_a_row_for_a_name_with_line_breaks(name: str) -> None:
    line = FORMATS["csv"].line(dataclasses.replace(FAILED, file=name), FIELDS, 1)
    (row,) = csv.reader(io.StringIO(f"{line}\n", newline=""))
    assert (row[0], row[-1]) == (name, "is bad")


@pytest.mark.parametrize("character", "\n\r\t\x1b\x9b\u202e\u2028\udce9")
def test_a_table_has_a_line_for_an_answer_and_does_not_steer_the_terminal(
    character: str,
) -> None:
    answer = Answer(f"a{character}b", {"text": f"c{character}d"})
    line = FORMATS["table"].line(answer, FIELDS, 1)
    assert line.isprintable()
    assert line.startswith("a\\") and " c\\" in line
