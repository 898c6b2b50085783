"""The results of each stage of a run: cost, speed and gain."""

import dataclasses
import itertools
from collections.abc import Sequence

from kft.reporting.run_record import RunRecord
from kft.run_folder.history import EpochRecord, StageResult


@dataclasses.dataclass(frozen=True)
class StageRow:
    """One stage.

    Attributes:
        stage: how it ended.
        input_wait: share of the time of training spent waiting for data, in [0, 1].
        value: of the figure that chooses the best weights; None without validation.
        gain: of it over the stage before, above 0 where it is better; None for the
            first.
    """

    stage: StageResult
    input_wait: float | None
    value: float | None
    gain: float | None


def rows(record: RunRecord) -> tuple[StageRow, ...]:
    """Return a row for each stage of a run."""
    epochs, result = record.stage_epochs, record.result
    name = result.metric
    values = [stage.validation.get(name) for stage in result.stages]
    differences = gains(values, higher_is_better=result.higher_is_better)
    found = []
    for position, stage in enumerate(result.stages):
        own = epochs[position] if position < len(epochs) else ()
        value, gain = values[position], differences[position]
        found.append(StageRow(stage, _input_wait(own), value, gain))
    return tuple(found)


def gains(
    values: Sequence[float | None], *, higher_is_better: bool
) -> list[float | None]:
    """Return how much better each stage is than the one before, None for the first.

    Args:
        values: of the figure that chooses the best weights; None without validation.
        higher_is_better: of that figure.
    """
    found: list[float | None] = []
    for before, value in itertools.pairwise([None, *values]):
        if before is None or value is None:
            found.append(None)
        else:
            found.append(value - before if higher_is_better else before - value)
    return found


def _input_wait(epochs: Sequence[EpochRecord]) -> float | None:
    """Return the mean share of waiting, weighted by the time of each epoch."""
    known = [
        (one.seconds, one.input_wait_fraction)
        for one in epochs
        if one.input_wait_fraction is not None
    ]
    seconds = sum(time for time, _ in known)
    if not seconds:
        return None
    return sum(time * share for time, share in known) / seconds
