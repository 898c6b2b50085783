"""The reliability diagram as geometry."""

import dataclasses
from collections.abc import Sequence

from kft.metrics.reliability import Bin
from kft.reporting import charts

# The share of examples in each bin is drawn below the diagram.
_STRIP = 34


@dataclasses.dataclass(frozen=True)
class ReliabilityBin:
    """A bar: its upper left corner, its size, and what is said of it."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclasses.dataclass(frozen=True)
class ReliabilityChart:
    """Accuracy over confidence, and how many examples lie where."""

    x_ticks: tuple[charts.Tick, ...]
    y_ticks: tuple[charts.Tick, ...]
    accuracy: tuple[ReliabilityBin, ...]
    counts: tuple[ReliabilityBin, ...]
    bottom: float


def draw(bins: Sequence[Bin]) -> ReliabilityChart:
    """Return the diagram of bins; those without examples are left out."""
    bottom = charts.BOTTOM - _STRIP
    across = charts.Axis(0, 1, charts.LEFT, charts.RIGHT)
    up = charts.Axis(0, 1, bottom, charts.TOP)
    most = max(one.examples for one in bins)
    strip = charts.Axis(0, max(most, 1), charts.BOTTOM, bottom + 6)
    filled = [(one, one.accuracy) for one in bins if one.accuracy is not None]
    texts = [
        f"probability {one.low:.2f} to {one.high:.2f}: {one.examples:,} examples, "
        f"{accuracy:.1%} of them right (mean probability {one.confidence:.1%})"
        for one, accuracy in filled
    ]
    pairs = list(zip(filled, texts, strict=True))
    return ReliabilityChart(
        x_ticks=across.ticks(),
        y_ticks=up.ticks(),
        accuracy=tuple(_bar(b, across, up, a, text) for (b, a), text in pairs),
        counts=tuple(
            _bar(b, across, strip, b.examples, text) for (b, _), text in pairs
        ),
        bottom=bottom,
    )


def _bar(
    one: Bin, across: charts.Axis, up: charts.Axis, value: float, text: str
) -> ReliabilityBin:
    left, right, top = across.place(one.low), across.place(one.high), up.place(value)
    return ReliabilityBin(
        x=left + 1,
        y=top,
        width=round(right - left - 2, 1),
        height=round(up.place(0) - top, 1),
        text=text,
    )
