"""Files of the report's curves and confusion matrix, for slides and papers."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib import axes, figure

from kft.cli import progress_bar
from kft.cli.progress_bar import Bar
from kft.evaluation.evaluate_run import Evaluation
from kft.metrics.classification import ClassificationFigures
from kft.reporting import charts, confusion_chart, sections
from kft.reporting.charts import LineChart
from kft.reporting.run_record import RunRecord
from kft.run_folder.run_dir import RunDir

CURVES, CONFUSION = "curves", "confusion_matrix"
# A slide of 13 inches has them in full at about 2,600 dots.
_DOTS_PER_INCH = 200
_FORMATS = ("png", "svg")
_INCHES = (5.0, 3.4)


def write(
    run: RunDir,
    record: RunRecord,
    evaluation: Evaluation | None,
    *,
    bar: Bar = progress_bar.none,
) -> tuple[Path, ...]:
    """Write each drawing that there is as PNG and SVG; return the paths.

    Args:
        run: whose folder of charts they go to.
        record: the run; one without epochs has no curves.
        evaluation: None where the run has nothing to be judged by; only examples that
            have one class each have a confusion matrix.
        bar: shows how many files are written.

    Raises:
        errors.RunDirError: where they cannot be written.
    """
    drawings, written = tuple(_drawings(record, evaluation)), []
    with bar("charts", len(drawings) * len(_FORMATS)) as advance:
        for name, drawn in drawings:
            for path in _write(run, name, drawn):
                written.append(path)
                advance(1)
    return tuple(written)


def _drawings(
    record: RunRecord, evaluation: Evaluation | None
) -> Iterator[tuple[str, figure.Figure]]:
    curves = sections.figure_curves(record)
    if curves:
        yield CURVES, draw_curves(curves)
    if evaluation and isinstance(evaluation.figures, ClassificationFigures):
        confusion = np.array(evaluation.figures.confusion)
        names = evaluation.source.classes
        yield CONFUSION, confusion_chart.draw(confusion, names)


def _write(run: RunDir, name: str, drawn: figure.Figure) -> Iterator[Path]:
    for form in _FORMATS:
        content = io.BytesIO()
        drawn.savefig(content, format=form, dpi=_DOTS_PER_INCH)
        path = run.charts / f"{name}.{form}"
        run.write_bytes(path, content.getvalue())
        yield path


def draw_curves(curves: Sequence[LineChart]) -> figure.Figure:
    """Return the charts of the page side by side, as the page has them."""
    width, height = _INCHES
    drawn = figure.Figure((width * len(curves), height), layout="constrained")
    for panel, chart in zip(
        drawn.subplots(1, len(curves), squeeze=False)[0], curves, strict=True
    ):
        _draw(panel, chart)
    return drawn


def _draw(panel: axes.Axes, chart: LineChart) -> None:
    """Draw a chart in its own units, in which the vertical axis points down."""
    for line in chart.lines:
        xs, ys = [dot.x for dot in line.dots], [dot.y for dot in line.dots]
        mark = "o" if len(xs) == 1 else ""
        panel.plot(xs, ys, marker=mark, color=f"C{line.style}", label=line.label)
    for number, span in enumerate(chart.spans):
        if number:
            panel.axvline(span.start, color="0.8", linewidth=0.8)
        if span.fits:
            middle = (span.start + span.end) / 2
            panel.text(
                middle,
                charts.TOP + 2,
                span.name,
                ha="center",
                va="top",
                fontsize="small",
                color="0.4",
                parse_math=False,
            )
    panel.set_xlim(charts.LEFT, charts.RIGHT)
    panel.set_ylim(charts.BOTTOM, charts.TOP)
    panel.set_xticks([t.at for t in chart.x_ticks], [t.text for t in chart.x_ticks])
    panel.set_yticks([t.at for t in chart.y_ticks], [t.text for t in chart.y_ticks])
    panel.set_xlabel("epoch")
    panel.set_title(chart.title, parse_math=False)
    panel.grid(axis="y", color="0.92")
    panel.legend(fontsize="small", frameon=False)
