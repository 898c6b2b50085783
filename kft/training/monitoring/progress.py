"""The progress of a run: a bar on a terminal, else one line per epoch."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from kft.cli import tables


class Reporter(Protocol):
    """Shows a run to a person."""

    def say(self, text: str) -> None:
        """Show a line."""

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show what the stages will do."""

    def epoch(self, title: str, steps: int) -> "EpochBar":
        """Return the context in which an epoch runs."""

    def done(self, line: Mapping[str, Any]) -> None:
        """Show the line of metrics.jsonl of an epoch that has ended."""


class EpochBar(Protocol):
    """Shows one epoch under way."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def update(self, step: int, logs: Mapping[str, float]) -> None:
        """Show that `step` steps are done, with the means so far."""


class SilentReporter:
    """Shows nothing: for workers that are not the chief, trials and tests."""

    def say(self, text: str) -> None:
        """Show nothing."""

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show nothing."""

    def epoch(self, title: str, steps: int) -> EpochBar:
        """Return a context that shows nothing."""
        return _NoBar()

    def done(self, line: Mapping[str, Any]) -> None:
        """Show nothing."""


class ConsoleReporter:
    """Shows the run on standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or tables.console(soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False)

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print a table of the stages."""
        table = Table(box=box.SIMPLE_HEAD, title="Plan", title_justify="left")
        for name in rows[0]:
            number = not isinstance(rows[0][name], str)
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        self._console.print(table, soft_wrap=False)

    def epoch(self, title: str, steps: int) -> EpochBar:
        """Return a bar on a terminal, else a context that shows nothing."""
        return _Bar(self._console, title, steps) if _live(self._console) else _NoBar()

    def done(self, line: Mapping[str, Any]) -> None:
        """Print one line with the figures of the epoch."""
        self.say(format_epoch(line))


def _live(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


def format_epoch(line: Mapping[str, Any]) -> str:
    """Return a line of metrics.jsonl as a person reads it."""
    text = (
        f"{line['stage']} {line['epoch']}/{line['epochs']}  "
        f"loss {line['loss']:.4f}  accuracy {line['accuracy']:.4f}"
    )
    if line["val_loss"] is not None:
        text += f"  val_loss {line['val_loss']:.4f}"
        text += f"  val_accuracy {line['val_accuracy']:.4f}"
    text += f"  {line['seconds']:.1f} s  {line['images_per_second']:.0f} images/s"
    return text


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


_NAMES = {"loss": "loss", "accuracy": "accuracy", "images_per_second": "images/s"}
_FORMATS = {"loss": ".4f", "accuracy": ".4f", "images_per_second": ".0f"}


class _NoBar:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        pass

    def update(self, step: int, logs: Mapping[str, float]) -> None:
        pass


class _Bar:
    def __init__(self, console: Console, title: str, steps: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(title, total=steps, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._progress.stop()

    def update(self, step: int, logs: Mapping[str, float]) -> None:
        figures = " ".join(f"{_NAMES[k]} {v:{_FORMATS[k]}}" for k, v in logs.items())
        self._progress.update(self._task, completed=step, figures=figures)
