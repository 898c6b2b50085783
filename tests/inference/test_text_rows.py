import io
from pathlib import Path

import pytest

from kft import errors
from kft.inference import input_files, text_rows


def _found(path: Path, content: bytes, *columns: str) -> list[tuple[str, bytes | None]]:
    """Return name and payload of each row; the reason where there is no payload."""
    path.write_bytes(content)
    rows = input_files.find([str(path)], (".txt",), columns)
    return [(row.file.removeprefix(str(path)), row.content) for row in rows]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_each_row_of_a_table_is_a_request(tmp_path: Path, separator: str) -> None:
    lines = ["id,Text", '1,"a, ""b"""', '2,"two\nlines"', "3, "]
    content = "\r\n".join(line.replace(",", separator, 1) for line in lines)
    rows = _found(tmp_path / "a.csv", content.encode(), "text")
    assert rows == [(":2", b'a, "b"'), (":4", b"two\nlines"), (":5", None)]


def test_pairs_are_two_columns_with_a_zero_byte_between(tmp_path: Path) -> None:
    content = b"text_b,label,text\nwhy,1,because\n"
    assert _found(tmp_path / "a.csv", content, "text", "text_b") == [
        (":2", b"because\0why")
    ]


def test_a_line_of_json_that_is_none_does_not_stop_the_others(tmp_path: Path) -> None:
    content = '{"text": "a"}\n{"text": 1}\n\n{text}\n{"text": "\\ud83d"}\n{"text": "é"}'
    rows = _found(tmp_path / "a.jsonl", content.encode(), "text")
    assert rows == [
        (":1", b"a"),
        (":2", None),
        (":4", None),
        (":5", None),
        (":6", "é".encode()),
    ]


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "json"])
def test_lines_of_json_are_requests_whatever_they_are_called(
    tmp_path: Path, ending: str
) -> None:
    rows = _found(tmp_path / f"a.{ending}", b'{"text": "a"}\n{"text": "b"}', "text")
    assert rows == [(":1", b"a"), (":2", b"b")]


def test_columns_of_other_names_are_told(tmp_path: Path) -> None:
    named = text_rows.columns(("text", "text_b"), ("text=Review",))
    assert named == ["Review", "text_b"]
    table = b"review,text,Text_B\na,no,b\n"
    assert _found(tmp_path / "a.csv", table, *named) == [(":2", b"a\0b")]
    lines = b'{"Review": "a", "review": "no", "text_b": "b"}'
    assert _found(tmp_path / "a.jsonl", lines, *named) == [(":1", b"a\0b")]
    with pytest.raises(errors.ConfigError, match="before the =, received 'label'"):
        text_rows.columns(("text",), ("label=x",))
    with pytest.raises(errors.ConfigError, match="this model takes files"):
        text_rows.columns((), ("text=x",))
    (tmp_path / "a.csv").write_text("label\n1\n")
    (only,) = input_files.find([str(tmp_path / "a.csv")], (".txt",), ("text",))
    assert "--csv_columns=text=NAME" in only.error


@pytest.mark.parametrize(
    "content", [b"", b"caf\xe9,text\n", b"label\n1\n", b'text\n"a\n', b"text,b\n1\n"]
)
def test_what_is_no_table_is_one_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    (only,) = input_files.find([str(path)], (".txt",), ("text",))
    assert only.file == str(path)
    assert only.error is not None
    assert only.error.startswith("a.csv")


def test_a_table_is_a_file_where_requests_are_files(tmp_path: Path) -> None:
    assert _found(tmp_path / "a.csv", b"text\na\n") == [("", None)]


def test_lines_of_standard_input_are_requests() -> None:
    lines = io.BytesIO(b"\xef\xbb\xbfa b\r\n\n\xff\nc\td\n")
    rows = list(text_rows.of_lines(lines, ("text",)))
    assert [(row.line, row.content) for row in rows] == [
        (1, b"a b"),
        (3, None),
        (4, b"c\td"),
    ]
    lines.seek(0)
    pairs = list(text_rows.of_lines(lines, ("text", "text_b")))
    assert [row.content for row in pairs] == [None, None, b"c\0d"]
