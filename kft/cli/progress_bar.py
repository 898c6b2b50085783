"""A bar on a terminal, with the time left, for what takes longer than a moment."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from kft.cli import rich_console

# Takes how many more are done.
Advance = Callable[[int], None]
# Takes a title and how many there are; gives what moves the bar on.
Bar = Callable[[str, int], AbstractContextManager[Advance]]


@contextlib.contextmanager
def none(title: str, total: int) -> Iterator[Advance]:
    """Give a function that shows nothing."""
    del title, total
    yield lambda more: None


@contextlib.contextmanager
def on_terminal(
    title: str, total: int, *, console: Console | None = None
) -> Iterator[Advance]:
    """Give a function that moves a bar on; it goes at the end.

    Where there is no terminal, or less than two of what is counted, there is none.

    Args:
        title: what is counted.
        total: how many there are.
        console: where it is shown; by default standard error.
    """
    console = console or rich_console.console(stderr=True, soft_wrap=True)
    if not console.is_terminal or console.is_dumb_terminal or total < 2:
        with none(title, total) as advance:
            yield advance
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        # Rows for the same terminal stand above the bar, others go where they belong.
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task(title, total=total)
        yield lambda more: progress.advance(task, more)
