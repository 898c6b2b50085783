"""The lengths of examples that have no fixed one, as a chart."""

from collections.abc import Mapping, Sequence

import numpy as np

from kft.data import sample
from kft.data.examples import Examples
from kft.reporting import charts
from kft.reporting.charts import LineChart, Series
from kft.tasks.task import Inputs

# So many are read of a split: to prepare all of them can take long.
_MOST = 500


def of_splits(inputs: Inputs, parts: Mapping[str, Examples]) -> LineChart | None:
    """Return the share of examples of each length; None where all have one shape.

    Lengths are those that batches are padded to: a place has what is longer than the
    one before it. Longer examples than the last are cut, and counted there.

    Args:
        inputs: of the task.
        parts: examples by the name of their split.

    Raises:
        errors.DataError: naming an example that cannot be read.
    """
    if not inputs.boundaries or not parts:
        return None
    series = []
    for style, (name, examples) in enumerate(parts.items()):
        lengths = inputs.prepare(sample.spread(examples, _MOST)).lengths
        if lengths is None:
            return None
        series.append(
            Series(
                name, inputs.boundaries, shares(lengths, inputs.boundaries), style=style
            )
        )
    return charts.line_chart(
        "Share of examples by length", series, low=0.0, x_name="length"
    )


def shares(lengths: np.ndarray, boundaries: Sequence[int]) -> list[float]:
    """Return the share of examples up to each boundary and above the one before.

    Args:
        lengths: int64 [n], at most the last of the boundaries.
        boundaries: ascending.
    """
    places = np.searchsorted(boundaries, lengths)
    counts = np.bincount(places, minlength=len(boundaries))
    return [float(count) / len(lengths) for count in counts]
