"""Names that others chose cannot steer the terminal of whoever reads them."""

import ast
import json
import logging

import pytest
from rich.table import Table
from rich.text import Text

from kft.cli import rich_console, startup_logs, tables, terminal
from tests.conftest import REPOSITORY

HOSTILE = "\x1b]0;title\x07\x1b[31mred\x9b2J\r\u202eexe.gpj\u2028"
STEERS = set("\x1b\x07\x9b\r\u202e\u2028")


def test_what_steers_is_escaped_and_all_else_stays():
    text = terminal.printable(f"a\tb\n{HOSTILE}")
    assert not STEERS & set(text)
    assert text.startswith("a\tb\n\\u001b]0;title\\u0007")
    plain = "日本語 \u3000 naïve\u00a0é 👩\u200d🔬 | <b> `x`\\"
    assert terminal.printable(plain) == plain
    assert terminal.one_line("a\tb\nc") == "a\\tb\\nc"


def test_json_lines_stay_json():
    content = {"file": HOSTILE}
    line = json.dumps(content, ensure_ascii=False)
    assert json.loads(terminal.printable(line)) == content


def test_lines_and_complaints_are_escaped(capsys):
    terminal.show(HOSTILE, "")
    terminal.complain(HOSTILE)
    written = capsys.readouterr()
    assert written.out.endswith("\n\n")
    assert not STEERS & set(written.out + written.err)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_data_for_programs_is_escaped_on_a_terminal_alone(
    is_terminal, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    terminal.show_data(HOSTILE)
    assert (HOSTILE in capsys.readouterr().out) != is_terminal


def test_tables_and_lines_of_rich_are_escaped(capsys):
    console = rich_console.console(soft_wrap=True)
    table = Table("class")
    table.add_row(Text(HOSTILE))
    console.print(table)
    console.print(HOSTILE, markup=False)
    columns = [tables.Column(HOSTILE, [HOSTILE], is_text=True)]
    console.print(tables.table(columns, width=80))
    out = capsys.readouterr().out
    assert not STEERS & set(out)
    assert out.count("title") == 4


def test_colours_of_rich_itself_reach_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    rich_console.console().print(Text(HOSTILE, "bold"))
    written = capsys.readouterr().out
    assert written.startswith("\x1b[1m\\u001b]0;title")
    assert written.count("\x1b") == 2


def test_logs_are_escaped(capsys):
    record = logging.LogRecord("a", logging.WARNING, "f", 1, HOSTILE, (), None)
    text = startup_logs._Formatter("%(message)s").format(record)
    assert text.startswith("warning: ")
    assert not STEERS & set(text)


# Programs of their own, which do not import kft; and the help of kft.
_OTHERS = {"exporters/standalone_runner.py"}


def test_nothing_is_written_past_these_edges():
    written = []
    for path in sorted((REPOSITORY / "kft").rglob("*.py")):
        name = str(path.relative_to(REPOSITORY / "kft"))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "Console", "rich.print", "rich.console.Console"):
                    written.append((name, called))
    assert {one for one in written if one[0] not in _OTHERS} == {
        ("cli/terminal.py", "print"),
        ("cli/rich_console.py", "Console"),
    }
