"""A picture of a search: the accuracy of each trial over each setting."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import figure

from kft.search import records
from kft.search.records import Record
from kft.search.space import Choice, Dimension, Space

_INCHES, _COLUMNS = 3.6, 3
_MARKS = {"finished": "o", "pruned": "v"}


def draw(space: Space, found: Sequence[Record], path: Path) -> None:
    """Write the picture, a PNG with a panel for each setting."""
    columns = min(len(space), _COLUMNS)
    rows = -(-len(space) // columns)
    picture = figure.Figure(
        figsize=(_INCHES * columns, _INCHES * rows), layout="constrained"
    )
    panels = list(picture.subplots(rows, columns, squeeze=False).flat)
    for dimension, panel in zip(space, panels, strict=False):
        _panel(panel, dimension, found)
    for panel in panels[len(space) :]:
        panel.set_axis_off()
    handles, names = panels[0].get_legend_handles_labels()
    if handles:
        picture.legend(handles, names, loc="outside lower center", ncols=len(names))
    picture.savefig(path, format="png", dpi=120)


def _panel(panel: Any, dimension: Dimension, found: Sequence[Record]) -> None:
    """Draw the trials over one setting."""
    best = records.best(found)
    for status, mark in _MARKS.items():
        some = [record for record in found if record.status == status]
        if some:
            panel.scatter(
                [_place(dimension, record) for record in some],
                [record.val_accuracy for record in some],
                marker=mark,
                label=status,
                alpha=0.7,
            )
    failed = [record for record in found if record.val_accuracy is None]
    if failed:
        # Without an accuracy: on the lower edge.
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
            [best.val_accuracy],
            "*",
            markersize=14,
            color="tab:orange",
            label="best",
        )
    if isinstance(dimension, Choice):
        panel.set_xticks(range(len(dimension.options)), dimension.options)
        panel.set_xlim(-0.5, len(dimension.options) - 0.5)
    elif dimension.kind == "log":
        panel.set_xscale("log")
    panel.set_xlabel(dimension.name)
    panel.set_ylabel("val_accuracy")


def _place(dimension: Dimension, record: Record) -> float:
    value = record.values[dimension.name]
    if isinstance(dimension, Choice):
        return dimension.options.index(str(value))
    return float(value)
