"""The bar of what takes time; no TensorFlow here."""

import io

import pytest
from rich.console import Console

from kft.cli import progress_bar


def _shown(total: int, *, is_terminal: bool) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=is_terminal, width=80, _environ={})
    with progress_bar.on_terminal("sounds", total, console=console) as advance:
        advance(5)
    return text.getvalue()


def test_a_terminal_shows_how_far_it_is_and_the_time_left():
    shown = _shown(10, is_terminal=True)
    assert "sounds" in shown and "5/10" in shown and "--:--" in shown


@pytest.mark.parametrize(("total", "is_terminal"), [(10, False), (1, True)])
def test_without_a_terminal_or_for_one_alone_there_is_none(total, is_terminal):
    assert _shown(total, is_terminal=is_terminal) == ""


def test_rows_for_a_file_are_not_written_to_the_terminal_of_the_bar(capsys):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=80, _environ={})
    # pytest's standard output is no terminal.
    with progress_bar.on_terminal("files", 10, console=console):
        print("a row")
    assert capsys.readouterr().out == "a row\n"
    assert "a row" not in text.getvalue()
