"""The confusion matrix as a drawing of its own: for slides, and for TensorBoard."""

from collections.abc import Sequence

import numpy as np
from matplotlib import figure

from kft.data import fonts

# With more classes neither names nor numbers can be read.
_MOST_NAMES = 40
_MOST_NUMBERS = 15


def draw(confusion: np.ndarray, names: Sequence[str]) -> figure.Figure:
    """Return a drawing of a confusion matrix [n, n] of counts.

    Rows are the classes of the examples, columns what they are taken for; the darker
    a cell, the larger its share of the row. Where no font here has the letters of the
    names, classes are named by their numbers, the first being 0.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 3 + 0.35 * min(len(names), _MOST_NAMES)
    drawn = figure.Figure(figsize=(side, side), dpi=100, layout="constrained")
    axes = drawn.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    if len(names) <= _MOST_NAMES:
        found = fonts.families(names)
        shown = names if found else [str(number) for number in range(len(names))]
        # A class may be called "$10 or $20", which is no formula.
        places = range(len(names))
        axes.set_xticks(places, shown, rotation=90, parse_math=False, fontfamily=found)
        axes.set_yticks(places, shown, parse_math=False, fontfamily=found)
    if len(names) <= _MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(confusion):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(
                    column,
                    row,
                    str(count),
                    color=colour,
                    ha="center",
                    va="center",
                    fontsize=8,
                )
    return drawn
