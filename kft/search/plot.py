"""A chart of a search: the figure of each trial over each setting."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import axes, figure, ticker

from kft.run_folder.history import VALIDATION
from kft.search import trial_records
from kft.search.parameters import Choice, Dimension, Range, Space
from kft.search.trial_records import Record
from kft.tasks.metric import Metric

_INCHES, _COLUMNS = 3.6, 3
# Of the range of a setting, at both ends of its axis.
_MARGIN = 0.05
_MARKS = {"finished": "o", "pruned": "v"}


def draw(space: Space, found: Sequence[Record], path: Path, *, monitor: Metric) -> None:
    """Write the chart, a PNG with a panel for each setting.

    Args:
        space: what was searched.
        found: the trials.
        path: of the PNG.
        monitor: the figure that they are compared by.
    """
    columns = min(len(space), _COLUMNS)
    rows = -(-len(space) // columns)
    chart = figure.Figure(
        figsize=(_INCHES * columns, _INCHES * rows), layout="constrained"
    )
    panels = list(chart.subplots(rows, columns, squeeze=False).flat)
    for dimension, panel in zip(space, panels, strict=False):
        _panel(panel, dimension, found, monitor=monitor)
    for panel in panels[len(space) :]:
        panel.set_axis_off()
    handles, names = panels[0].get_legend_handles_labels()
    if handles:
        chart.legend(handles, names, loc="outside lower center", ncols=len(names))
    chart.savefig(path, format="png", dpi=120)


def _panel(
    panel: axes.Axes, dimension: Dimension, found: Sequence[Record], *, monitor: Metric
) -> None:
    """Draw the trials over one setting."""
    best = trial_records.best(found, monitor)
    for status, mark in _MARKS.items():
        some = [record for record in found if record.status == status]
        if some:
            panel.scatter(
                [_place(dimension, record) for record in some],
                [record.validation[monitor.name] for record in some],
                marker=mark,
                label=status,
                alpha=0.7,
            )
    failed = [record for record in found if record.status == "failed"]
    if failed:
        # Without a figure: on the lower edge.
        panel.plot(
            [_place(dimension, record) for record in failed],
            [0.0] * len(failed),
            "x",
            color="tab:red",
            transform=panel.get_xaxis_transform(),
            clip_on=False,
            label="failed",
        )
    if best:
        panel.plot(
            [_place(dimension, best)],
            [best.validation[monitor.name]],
            "*",
            markersize=14,
            color="tab:orange",
            label="best",
        )
    if isinstance(dimension, Choice):
        panel.set_xticks(range(len(dimension.options)), dimension.options)
        panel.set_xlim(-0.5, len(dimension.options) - 0.5)
    else:
        if dimension.kind == "log":
            _scale(panel, dimension)
        # Whether the best lies at an edge of what was searched is worth seeing.
        panel.set_xlim(*_with_margin(dimension))
    panel.set_xlabel(dimension.name)
    panel.set_ylabel(VALIDATION + monitor.name)


def _scale(panel: axes.Axes, dimension: Range) -> None:
    """Make an axis logarithmic, with numbers that are not printed over each other."""
    panel.set_xscale("log")
    panel.xaxis.set_minor_formatter(ticker.NullFormatter())
    if dimension.high < 100 * dimension.low:
        # There may be no power of ten in it.
        ticks = np.geomspace(dimension.low, dimension.high, 3)
        panel.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])


def _with_margin(dimension: Range) -> tuple[float, float]:
    """Return the ends of the axis of a setting."""
    low, high = float(dimension.low), float(dimension.high)
    if dimension.kind == "log":
        factor = (high / low) ** _MARGIN
        return low / factor, high * factor
    margin = (high - low) * _MARGIN
    return low - margin, high + margin


def _place(dimension: Dimension, record: Record) -> float:
    value = record.values[dimension.name]
    if isinstance(dimension, Choice):
        return dimension.options.index(str(value))
    return float(value)
