"""The edge of `terminal` for what rich draws: tables, bars, colours."""

from collections.abc import Iterable

from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderHook,
    RenderResult,
)
from rich.segment import Segment

from kft.cli import terminal


def console(
    *, width: int | None = None, soft_wrap: bool = False, stderr: bool = False
) -> Console:
    """Return standard output, or standard error, for tables and bars.

    Args:
        width: in characters; None for that of the terminal.
        soft_wrap: whether long lines of text are left to the terminal to break.
        stderr: whether it is standard error.
    """
    made = Console(width=width, highlight=False, soft_wrap=soft_wrap, stderr=stderr)
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
        for segment in console.render(self._drawn, options):
            if segment.control:
                yield segment
            else:
                yield Segment(terminal.printable(segment.text), segment.style)
