"""How far the figures of several runs lie apart."""

import dataclasses
import statistics
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """How far figures lie apart.

    Attributes:
        mean: of the figures.
        lowest: of them.
        highest: of them.
        standard_deviation: of the population that they are a sample of (n - 1); None of
            a single figure.
    """

    mean: float
    lowest: float
    highest: float
    standard_deviation: float | None


def spread(figures: Sequence[float | None]) -> Spread | None:
    """Return the spread of figures; None where there are none, or one is missing."""
    known = [figure for figure in figures if figure is not None]
    if not known or len(known) < len(figures):
        return None
    return Spread(
        mean=statistics.fmean(known),
        lowest=min(known),
        highest=max(known),
        standard_deviation=statistics.stdev(known) if len(known) > 1 else None,
    )


def text(spread: Spread) -> str:
    """Return a spread as a person reads it."""
    words = f"mean {spread.mean:.4f}, {spread.lowest:.4f} to {spread.highest:.4f}"
    if spread.standard_deviation is not None:
        words += f", standard deviation {spread.standard_deviation:.4f}"
    return words
