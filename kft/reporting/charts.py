"""Charts as geometry: what a template draws as SVG. Pure arithmetic.

A drawing is 360 units wide and 224 high; the page scales it.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import TypeGuard

# Where the axes are in it.
LEFT, RIGHT, TOP, BOTTOM = 46, 350, 24, 190
# Colours and dashes that the page knows.
STYLES = 8
_TICKS = 5
# Ratio of the largest value to the smallest from which only a log scale shows both.
_LOG_RATIO = 30


@dataclasses.dataclass(frozen=True)
class Series:
    """Values over a common axis.

    Attributes:
        label: what they are of.
        xs: places.
        ys: values; None where there is none, and one that is not finite is not drawn.
        style: number of the colour, in [0, `STYLES`).
    """

    label: str
    xs: Sequence[float]
    ys: Sequence[float | None]
    style: int = 0


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, and what is written there."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True)
class Dot:
    """A value in the drawing, with what is said of it."""

    x: float
    y: float
    text: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A series in the drawing."""

    label: str
    style: int
    dots: tuple[Dot, ...]

    @property
    def points(self) -> str:
        """Return the value of the attribute `points` of a polyline."""
        return " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)


@dataclasses.dataclass(frozen=True)
class Band:
    """A named part of the horizontal axis, and whether it is wide enough for it."""

    name: str
    start: float
    end: float
    fits: bool


@dataclasses.dataclass(frozen=True)
class LineChart:
    """A chart of lines, ready to be drawn; `x_name` is what lies along the axis."""

    title: str
    x_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    spans: tuple[Band, ...]
    lines: tuple[Line, ...]


@dataclasses.dataclass(frozen=True)
class Axis:
    """A scale from values to places in the drawing.

    Attributes:
        low: value at `start`.
        high: value at `end`; above `low`.
        start: place in the drawing.
        end: likewise.
        is_log: whether equal ratios are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return where a value is drawn."""
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        share = (value - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Return the marks within the axis."""
        values = _powers(self.low, self.high) if self.is_log else None
        values = values or _round_values(self.low, self.high)
        return tuple(Tick(self.place(v), short(v)) for v in values)


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    spans: Sequence[tuple[str, float, float]] = (),
    low: float | None = None,
    high: float | None = None,
    x_name: str = "epoch",
) -> LineChart | None:
    """Return a chart of series; None where they have no values.

    The vertical scale is logarithmic where its values, all positive, differ so much
    that the small ones would lie on the axis.

    Args:
        title: above the chart.
        series: what is drawn.
        spans: name, first and last place of the named parts of the horizontal axis.
        low: lowest value that has to be seen; by default the lowest there is.
        high: highest value that has to be seen; likewise.
        x_name: what lies along the horizontal axis.
    """
    values = [y for one in series for y in one.ys if _can_be_drawn(y)]
    if not values:
        return None
    places = [x for one in series for x in one.xs]
    horizontal = _widened(min(places), max(places), LEFT, RIGHT)
    is_log = low is None and min(values) > 0 and max(values) > _LOG_RATIO * min(values)
    vertical = _widened(
        min([*values, *([] if low is None else [low])]),
        max([*values, *([] if high is None else [high])]),
        BOTTOM,
        TOP + 12,
        is_log=is_log,
    )
    return LineChart(
        title=title,
        x_name=x_name,
        x_ticks=tuple(t for t in horizontal.ticks() if "." not in t.text),
        y_ticks=vertical.ticks(),
        spans=tuple(_span(name, a, b, horizontal) for name, a, b in spans),
        lines=tuple(_line(one, horizontal, vertical, x_name=x_name) for one in series),
    )


def _can_be_drawn(value: float | None) -> TypeGuard[float]:
    """Return whether there is a place for a value: not where a loss has diverged."""
    return value is not None and math.isfinite(value)


def _widened(
    low: float, high: float, start: float, end: float, *, is_log: bool = False
) -> Axis:
    if low == high:
        # A single value is drawn in the middle.
        pad = abs(low) / 2 or 0.5
        return Axis(low - pad, high + pad, start, end)
    return Axis(low, high, start, end, is_log)


def _span(name: str, first: float, last: float, axis: Axis) -> Band:
    """Return a part that begins half a unit before its first place."""
    start = max(axis.start, axis.place(first - 0.5))
    end = min(axis.end, axis.place(last + 0.5))
    return Band(name, start, end, fits=end - start > 6 * len(name))


def _line(series: Series, horizontal: Axis, vertical: Axis, *, x_name: str) -> Line:
    dots = [
        Dot(
            horizontal.place(x),
            vertical.place(y),
            f"{series.label}, {x_name} {x:g}: {y:.4g}",
        )
        for x, y in zip(series.xs, series.ys, strict=True)
        if _can_be_drawn(y)
    ]
    return Line(series.label, series.style % STYLES, tuple(dots))


def _round_values(low: float, high: float) -> list[float]:
    """Return about `_TICKS` multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0**exponent for exponent in range(first, last + 1)]


def short(value: float) -> str:
    """Return a number in a few characters: 0.25, 12k, 3M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
