"""The progress of a run: a bar on a terminal, else one line per epoch."""

from collections.abc import Iterator, Mapping, Sequence
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

from kft.cli import rich_console, tables
from kft.run_folder.history import VALIDATION, EpochRecord, prefixed

# Characters between two columns, and those that a figure, a time and a speed take.
_GAP, _FIGURE, _TIME, _SPEED = 2, 6, 6, 7
# Ends the line of an epoch whose weights are kept, until a better one comes.
_BEST = "best"


class Reporter(Protocol):
    """Shows a run to a person."""

    def say(self, text: str) -> None:
        """Show a line."""

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show what the stages will do."""

    def epoch(self, title: str, steps: int) -> "EpochBar":
        """Return the context in which an epoch runs."""

    def done(self, record: EpochRecord, *, is_best: bool) -> None:
        """Show an epoch that has ended, and whether none before it was better."""


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

    def done(self, record: EpochRecord, *, is_best: bool) -> None:
        """Show nothing."""


class ConsoleReporter:
    """Shows the run on standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or rich_console.console(soft_wrap=True)
        self._epochs = EpochLines(self._console.width)

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

    def done(self, record: EpochRecord, *, is_best: bool) -> None:
        """Print one line with the figures of the epoch."""
        for line in self._epochs.of(record, is_best=is_best):
            self.say(line)


def _live(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


class EpochLines:
    """Epochs as a person reads them: figures stand below each other, with their names.

    Args:
        width: characters that a line has room for. The speed is left out before a line
            is longer than that; figures never are.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._stage: str | None = None

    def of(self, record: EpochRecord, *, is_best: bool) -> Iterator[str]:
        """Yield the line of an epoch, below the names where a stage begins."""
        epoch = f"{record.stage} {record.epoch}/{record.epochs}"
        longest = len(f"{record.stage} {record.epochs}/{record.epochs}")
        validation = prefixed(VALIDATION, record.validation)
        figures = {**record.train_columns, **validation}
        speed = record.examples_per_second
        cells = [
            *(
                (name, tables.or_dash(value, ".4f"), _FIGURE)
                for name, value in figures.items()
            ),
            ("time", _seconds(record.seconds), _TIME),
            ("examples/s", tables.or_dash(speed, ",.0f"), _SPEED),
        ]
        widths = [max(len(name), least) for name, _, least in cells]
        first = max(len("epoch"), longest)
        if first + sum(_GAP + width for width in (*widths, len(_BEST))) > self._width:
            cells.pop()
        names, texts = f"{'epoch':{first}}", f"{epoch:{first}}"
        for (name, text, _), width in zip(cells, widths, strict=False):
            names += f"{'':{_GAP}}{name:>{width}}"
            texts += f"{'':{_GAP}}{text:>{width}}"
        if record.stage != self._stage:
            self._stage = record.stage
            yield names
        yield f"{texts}{'':{_GAP}}{_BEST}" if is_best else texts


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


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
        figures = " ".join(
            f"{value:.0f} examples/s"
            if name == "examples_per_second"
            else f"{name} {value:.4f}"
            for name, value in logs.items()
        )
        self._progress.update(self._task, completed=step, figures=figures)
