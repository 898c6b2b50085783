"""Lines of answers, whatever an answer is made of."""

import json

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


def test_a_table_shows_texts_and_per_cent() -> None:
    line = FORMATS["table"].line(ANSWER, FIELDS, 2)
    assert line.split("  ")[0] == "a.txt"
    assert line.endswith('  LOC Köln 98.0%  news 25.0%  so "so"')
    assert FORMATS["table"].line(FAILED, FIELDS, 2).endswith("  error: is bad")
