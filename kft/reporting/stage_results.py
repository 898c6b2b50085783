"""What each stage of a run did: cost, speed and gain."""

import dataclasses
from collections.abc import Sequence

from kft.reporting.run_record import RunRecord
from kft.run_folder.history import VALIDATION, EpochRecord, StageResult


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
    found: list[StageRow] = []
    epochs = record.stage_epochs
    name = record.monitor.removeprefix(VALIDATION)
    sign = 1 if record.higher_is_better else -1
    for position, stage in enumerate(record.stages):
        own = epochs[position] if position < len(epochs) else ()
        before = found[-1].value if found else None
        value = stage.validation.get(name)
        known = before is not None and value is not None
        gain = sign * (value - before) if known else None
        found.append(StageRow(stage, _input_wait(own), value, gain))
    return tuple(found)


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
