"""The last screen of a run: what became of it, what to open and what to type next."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kft.cli import tables
from kft.cli.tables import Column
from kft.reporting import stage_results
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult

if TYPE_CHECKING:
    from kft.evaluation.evaluate_run import Evaluation

_WORST = 3
_MINUTE = 60


def show(
    console: Console,
    result: RunResult,
    *,
    evaluation: "Evaluation | None",
    formats: Sequence[str],
    command_seconds: float | None = None,
) -> None:
    """Print the screen; lines to copy are never broken, whatever the width.

    Args:
        console: where to.
        result: of the run.
        evaluation: of the run; None where nothing judges it.
        formats: of the exports that the run was asked for.
        command_seconds: since the command began; None where that is not known.
    """
    run = RunDir(result.run_dir)
    console.print()
    console.print(tables.table(_stages(result), width=console.width))
    console.print()
    for line in _advice(result):
        console.print(Text(f"{line}\n", "yellow"))
    console.print(_grid(_figures(result, evaluation, command_seconds)))
    for title, lines in (("Open:", _open(run)), ("Next:", _next(run, formats))):
        console.print(f"\n{title}")
        for line in lines:
            # Not `print`, which would break a long path into lines.
            console.print(Text(f"  {line}"), soft_wrap=True)


def _gains(result: RunResult) -> tuple[list[float | None], list[float | None]]:
    """Return what each stage reached, and how much better that is than before it."""
    name = result.metric
    values = [stage.validation.get(name) for stage in result.stages]
    return values, stage_results.gains(values, higher_is_better=result.higher_is_better)


def _advice(result: RunResult) -> Iterator[str]:
    """Yield a text for each stage that made it worse, or one for all of them."""
    _, gains = _gains(result)
    name = _title(result.metric)
    if result.best_epoch == 0:
        yield (
            f"No epoch made {name} better than it was before training: the weights "
            "that the network came with are kept. It may need smaller rates "
            "(python -m kft.find_lr finds them), fewer layers that train (--stages), "
            "or more examples."
        )
        return
    for stage, gain in zip(result.stages, gains, strict=True):
        if gain is not None and gain < 0:
            yield (
                f"Stage {stage.name} made {name} worse, by {-gain:.4f}; the weights of "
                f"stage {result.best_stage} are kept. It may need a smaller rate "
                "(python -m kft.find_lr finds one), fewer blocks or fewer epochs."
            )


def _stages(result: RunResult) -> Sequence[Column]:
    """Return the columns of the table of stages, those first that stay longest."""
    stages, name = result.stages, result.metric
    values, gains = _gains(result)
    rates = [f"{stage.examples_per_second:,.0f}" for stage in stages]
    return (
        Column("stage", [stage.name for stage in stages], is_text=True),
        Column("trains", [f"{s.trainable_parameters:,}" for s in stages], rank=4),
        Column("epochs", [str(stage.epochs) for stage in stages], rank=2),
        Column("best", [tables.or_dash(s.best, "s") for s in stages], rank=6),
        Column("time", [_duration(stage.seconds) for stage in stages]),
        Column("examples/s", rates, rank=3),
        Column("trunk", [_trunk(stage.cached) for stage in stages], rank=5),
        Column(_title(name), [tables.or_dash(value, ".4f") for value in values]),
        Column("gain", [tables.or_dash(gain, "+.4f") for gain in gains], rank=1),
    )


def _figures(
    result: RunResult,
    evaluation: "Evaluation | None",
    command_seconds: float | None,
) -> Iterator[tuple[str, Text]]:
    """Yield what is known of the weights that are kept, a name and a text each."""
    name = result.metric
    for split, figures in (("validation", result.validation), ("test", result.test)):
        if name not in figures:
            continue
        yield f"{split} {_title(name)}", Text(f"{figures[name]:.4f}", "bold green")
        if evaluation is not None and evaluation.source.split == split:
            yield from _interval(evaluation, name)
    breakdown = None if evaluation is None else evaluation.figures.breakdown()
    if breakdown is not None:
        worst = [
            f"{label} ({figure.title} {figure.value:.4f})"
            for label, figure in breakdown.worst(_WORST)
        ]
        yield f"worst {breakdown.plural}", Text("\n".join(worst), style="yellow")
    time = _duration(result.seconds)
    if command_seconds is not None:
        time += f"; the whole command {_duration(command_seconds)}"
    yield "time", Text(time)


def _interval(evaluation: "Evaluation", name: str) -> Iterator[tuple[str, Text]]:
    """Yield the 95% interval of a figure, where it is known."""
    for figure in evaluation.figures.headline():
        if figure.name == name and figure.interval is not None:
            low, high = figure.interval
            yield "  95% interval", Text(f"{low:.4f} to {high:.4f}")


def _title(name: str) -> str:
    return name.replace("_", " ")


def _open(run: RunDir) -> Iterator[str]:
    """Yield the files that are there, and how to look at the curves."""
    for path in (run.report_html, run.evaluation_json):
        if path.is_file():
            yield str(path)
    for path in sorted(run.export.glob("*/[!.]*")):
        yield str(path)
    if run.tensorboard.is_dir():
        yield shlex.join(["tensorboard", f"--logdir={run.tensorboard}"])


def _next(run: RunDir, formats: Sequence[str]) -> Iterator[str]:
    """Yield the commands that start from the run."""
    folder = f"--run_dir={run.path}"
    yield _command("evaluate", folder)
    for example in sorted(run.path.glob("example.*")):
        yield _command("predict", folder, example)
    yield _command(
        "export", folder, f"--formats={','.join(formats or ['saved_model'])}"
    )


def _command(name: str, *arguments: str | Path) -> str:
    return shlex.join(["python", "-m", f"kft.{name}", *map(str, arguments)])


def _grid(rows: Iterator[tuple[str, Text]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(name, text)
    return grid


def _trunk(is_cached: bool) -> str:
    return "cached" if is_cached else "live"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE)
    if minutes < 2 * _MINUTE:
        return f"{minutes} min"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
