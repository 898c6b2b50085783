"""The files of a search for its user: a table, trials.csv, a chart and best.cfg."""

import csv
import io
import re
import shlex
from collections.abc import Sequence

from rich import box
from rich.table import Table

from kft.config import RunConfig, flagfile
from kft.run_folder import atomic_files
from kft.run_folder.history import VALIDATION
from kft.search import plot, search_settings, trial_records
from kft.search.parameters import Space
from kft.search.search_dir import SearchDir
from kft.search.trial_records import Record
from kft.tasks.metric import Metric

_LAST_COLUMNS = ("seconds", "share_of_epochs", "message", "run_dir")
_SHOWN = 20


def write(
    search: SearchDir, space: Space, found: Sequence[Record], *, monitor: Metric
) -> None:
    """Write trials.csv and trials.png.

    Args:
        search: the folder.
        space: what was searched.
        found: the trials.
        monitor: the figure that they are compared by.

    Raises:
        errors.RunDirError: where they cannot be written.
    """
    atomic_files.write(search.trials_csv, _csv(search, space, found, monitor).encode())
    with atomic_files.replacing(search.trials_png) as temporary:
        plot.draw(space, found, temporary, monitor=monitor)


def write_best(
    search: SearchDir, config: RunConfig, best: Record, *, monitor: Metric, flags: str
) -> None:
    """Write best.cfg.

    Args:
        search: the folder.
        config: of the winner.
        best: its trial.
        monitor: the figure that made it the best.
        flags: how the search was told what to search.

    Raises:
        errors.RunDirError: where it cannot be written.
    """
    command = shlex.join(("python", "-m", "kft.train", f"--flagfile={search.best_cfg}"))
    lines = [
        f"# The best of a search: trial {best.number}, validation {monitor.name} "
        f"{best.validation[monitor.name]:{monitor.format}}.",
        "#",
        f"#   {command}",
        "#",
        f"# {flags}",
        f"# {search_settings.format_values(best.values)}",
        "",
        flagfile.format_flagfile(config),
    ]
    atomic_files.write(search.best_cfg, "\n".join(lines).encode())


def table(space: Space, found: Sequence[Record], monitor: Metric) -> Table:
    """Return the best trials as a table for a terminal."""
    ranked = trial_records.ranked(found, monitor)[:_SHOWN]
    title = f"Trials, the best {len(ranked)} of {len(found)}"
    shown = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        padding=0,
        pad_edge=False,
    )
    figure, names = VALIDATION + monitor.name, (dimension.name for dimension in space)
    for name in ("trial", figure, *names, "epochs", "s", ""):
        # Names are longer than values, and a terminal may have 80 columns.
        header = re.sub(r"[._]", "\n", name.removeprefix("stages."))
        shown.add_column(header, justify="right" if name else "left", no_wrap=True)
    for record in ranked:
        values = (_short(record.values[d.name]) for d in space)
        shown.add_row(
            str(record.number),
            _shown(record, monitor),
            *values,
            str(record.epochs),
            f"{record.seconds:.1f}",
            "" if record.status == "finished" else record.status,
        )
    return shown


def _shown(record: Record, monitor: Metric) -> str:
    value = record.validation.get(monitor.name)
    return "" if value is None else f"{value:{monitor.format}}"


def _short(value: search_settings.Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _csv(
    search: SearchDir, space: Space, found: Sequence[Record], monitor: Metric
) -> str:
    names = [dimension.name for dimension in space]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    figures = trial_records.figure_names(monitor)
    writer.writerow(["trial", "status", *figures, "epochs", *names, *_LAST_COLUMNS])
    for record in found:
        writer.writerow(
            [
                record.number,
                record.status,
                *(record.figures().get(name) for name in figures),
                record.epochs,
                *(record.values[name] for name in names),
                record.seconds,
                record.share,
                " ".join(record.message.split()),
                search.trial(record.number),
            ]
        )
    return text.getvalue()
