"""What each stage of a run did: cost, speed and gain."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from kft.reporting.run_record import RunRecord


@dataclasses.dataclass(frozen=True)
class StageRow:
    """One stage.

    Attributes:
        name: what it unfroze.
        epochs: how many were run.
        best_epoch: the one whose weights went on; None without validation.
        trainable_parameters: numbers that it could change.
        seconds: it took.
        images_per_second: in training.
        input_wait: share of the time of training spent waiting for data, in [0, 1].
        cached: whether its trunk had run before.
        val_accuracy: in [0, 1]; None without validation.
        gain: of validation accuracy over the stage before; None for the first.
    """

    name: str
    epochs: int
    best_epoch: int | None
    trainable_parameters: int
    seconds: float
    images_per_second: float
    input_wait: float | None
    cached: bool
    val_accuracy: float | None
    gain: float | None


def rows(record: RunRecord) -> tuple[StageRow, ...]:
    """Return a row for each stage of a run."""
    found: list[StageRow] = []
    lines = record.stage_lines
    for position, stage in enumerate(record.result.stages):
        own = lines[position] if position < len(lines) else ()
        before = found[-1].val_accuracy if found else None
        found.append(_row(stage, own, before))
    return tuple(found)


def _row(
    stage: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], before: float | None
) -> StageRow:
    accuracy = stage["val_accuracy"]
    known = before is not None and accuracy is not None
    return StageRow(
        name=stage["name"],
        epochs=stage["epochs"],
        best_epoch=stage["best_epoch"],
        trainable_parameters=stage["trainable_parameters"],
        seconds=stage["seconds"],
        images_per_second=stage["images_per_second"],
        input_wait=_input_wait(lines),
        cached=stage["cached"],
        val_accuracy=accuracy,
        gain=accuracy - before if known else None,
    )


def _input_wait(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the mean share of waiting, weighted by the time of each epoch."""
    known = [one for one in lines if one["input_wait_fraction"] is not None]
    seconds = sum(one["seconds"] for one in known)
    if not seconds:
        return None
    waited = sum(one["seconds"] * one["input_wait_fraction"] for one in known)
    return waited / seconds
