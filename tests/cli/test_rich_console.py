"""What rich draws, in a terminal and in a file; no TensorFlow here."""

import pytest
from rich import box
from rich.progress import track
from rich.table import Table
from rich.text import Text

from kft.cli import rich_console

LONG = "a sentence of many words, " * 40


@pytest.fixture(autouse=True)
def _without_settings(monkeypatch):
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def _table(number="1"):
    table = Table(box=box.SIMPLE_HEAD, title="Plan", title_justify="left")
    table.add_column("name")
    table.add_column("number", no_wrap=True)
    table.add_row(Text("short", "red"), "1")
    table.add_row(LONG, number)
    return table


def test_lines_of_a_file_are_whole_and_end_with_their_last_character(capsys):
    # pytest's standard output is no terminal.
    console = rich_console.console()
    console.print(_table("2" * 300))
    console.print(Text(f"{LONG}\nbold", "bold red"))
    console.print("[bold]a[/bold] b ", end="")
    console.print("c")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert any(line.strip().startswith("short ") for line in lines)
    assert any(LONG.strip() in line and "2" * 300 in line for line in lines)
    assert lines[-3:] == [LONG.strip(), "bold", "a b c"]
    assert "\x1b" not in "".join(lines)


def test_a_bar_leaves_nothing_in_a_file(capsys):
    console = rich_console.console(stderr=True)
    assert list(track([1, 2], console=console, transient=True)) == [1, 2]
    assert capsys.readouterr().err.strip() == ""


def test_columns_says_how_wide_a_file_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "44")
    rich_console.console().print(LONG)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 44


@pytest.mark.parametrize("variable", [None, "NO_COLOR"])
def test_a_terminal_has_its_width_and_colours_unless_it_asks_for_none(
    variable, capsys, monkeypatch
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    if variable is not None:
        monkeypatch.setenv(variable, "1")
    rich_console.console().print(_table())
    written = capsys.readouterr().out
    assert ("\x1b[31m" in written) == (variable is None)
    lines = Text.from_ansi(written).plain.splitlines()
    assert len(lines) > 5 and max(map(len, lines)) <= 60
