"""The edge of `terminal` for what rich draws: tables, bars, colours."""

import os
import re
import sys
from collections.abc import Iterable, Iterator

from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderHook,
    RenderResult,
)
from rich.segment import Segment

from kft.cli import terminal

# A file has no width: nothing in it is broken into lines, cut or left out.
_FILE_WIDTH = 10_000
# What fills a cell up, before the end of a line.
_FILLING = re.compile(r" +(?=\n)")


def console(*, soft_wrap: bool = False, stderr: bool = False) -> Console:
    """Return standard output, or standard error, for tables and bars.

    It is as wide as the terminal. Where it is none, lines are as long as they are, and
    end with their last character. `NO_COLOR`, `COLUMNS` and `TERM` mean what they do
    elsewhere.

    Args:
        soft_wrap: whether long lines of text are left to the terminal to break.
        stderr: whether it is standard error.
    """
    stream = sys.stderr if stderr else sys.stdout
    is_free = not stream.isatty() and "COLUMNS" not in os.environ
    made = Console(
        width=_FILE_WIDTH if is_free else None,
        highlight=False,
        soft_wrap=soft_wrap,
        stderr=stderr,
    )
    made.push_render_hook(_Escaping())
    return made


class _Escaping(RenderHook):
    def process_renderables(
        self, renderables: Iterable[ConsoleRenderable]
    ) -> list[ConsoleRenderable]:
        return [_Escaped(renderable) for renderable in renderables]


class _Escaped:
    """What rich draws, with escapes in its texts; its own colours stay."""

    def __init__(self, drawn: ConsoleRenderable) -> None:
        self._drawn = drawn

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        segments = map(_printable, console.render(self._drawn, options))
        yield from segments if console.is_terminal else _without_filling(segments)


def _printable(segment: Segment) -> Segment:
    if segment.control:
        return segment
    return Segment(terminal.printable(segment.text), segment.style)


def _without_filling(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield what a file shows of segments: their text, without blanks at its ends."""
    text = "".join(segment.text for segment in segments if not segment.control)
    yield Segment(_FILLING.sub("", text))
