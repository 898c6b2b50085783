"""Tables fit terminals of any width; no TensorFlow here."""

import io

import pytest
from rich.console import Console

from kft.cli import tables
from kft.cli.tables import Column

NAMES = ("a short name", "[bold]markup[/bold]")
COLUMNS = (
    Column("class", NAMES, is_text=True),
    Column("examples", ("1,000", "2"), rank=2),
    Column("precision", ("0.5000", "0.6000"), rank=1),
    Column("F1", ("0.9000", "0.1000")),
)


def lines(width: int, columns: tuple[Column, ...] = COLUMNS) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(tables.table(columns, width=width))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (80, ["class", "examples", "precision", "F1"]),
        (45, ["class", "precision", "F1"]),
        (30, ["class", "F1"]),
        (16, ["class", "F1"]),
    ],
)
def test_what_has_no_room_is_left_out_by_rank(width: int, heads: list[str]) -> None:
    shown = lines(width)
    assert shown[0].split() == heads
    assert max(map(len, shown)) <= width


def test_a_name_is_broken_and_never_cut_off() -> None:
    shown = lines(16)
    name = "".join(line[:7] for line in shown).replace(" ", "")
    assert "".join(NAMES).replace(" ", "") in name
    assert "…" not in "".join(shown)


def test_names_are_no_markup() -> None:
    assert any(line.startswith("[bold]markup[/bold]") for line in lines(80))
