"""What standard output cannot write does not end a command."""

import io
import json
import sys

import pytest

from kft.cli import output_encoding

NAMES = ["直剪", "🌹", "caf\udce9.jpg", "Köln"]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_names_are_escaped_so_that_json_stays_json(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    output_encoding.escape_what_is_missing()
    print(json.dumps(NAMES, ensure_ascii=False), flush=True)
    assert json.loads(written.getvalue().decode(encoding)) == NAMES


def test_what_an_encoding_has_is_written_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    output_encoding.escape_what_is_missing()
    print("Köln 直", end="", flush=True)
    assert written.getvalue().decode("cp1252") == "Köln \\u76f4"


def test_another_standard_output_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    output_encoding.escape_what_is_missing()
    print("直剪")
    assert sys.stdout.getvalue() == "直剪\n"
