import datetime
from pathlib import Path
from typing import Any

import pytest

from kft.config import TrainConfig
from kft.data.labels import LabelMap
from kft.reporting import stage_results
from kft.reporting.run_record import RunRecord
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult


def _line(stage: str, epoch: int, seconds: float, wait: float | None) -> dict[str, Any]:
    return {
        "stage": stage,
        "epoch": epoch,
        "seconds": seconds,
        "input_wait_fraction": wait,
    }


def _record(lines: list[dict], accuracies: list[float | None]) -> RunRecord:
    stages = [
        {
            "name": "all",
            "epochs": 1,
            "seconds": 1.0,
            "images_per_second": 5.0,
            "trainable_parameters": 7,
            "cached": False,
            "best_epoch": 1,
            "val_accuracy": accuracy,
        }
        for accuracy in accuracies
    ]
    values = dict.fromkeys(field for field in RunResult.__dataclass_fields__)
    values.update(run_dir=Path("runs/x"), seconds=1.0, stages=tuple(stages))
    return RunRecord(
        run=RunDir(Path("runs/x")),
        config=TrainConfig(),
        result=RunResult(**values),
        labels=LabelMap(("a", "b")),
        history=tuple(lines),
        environment={},
        split_id="",
        split_sizes={},
        parity={},
        finished=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )


def test_the_gain_is_over_the_stage_before() -> None:
    rows = stage_results.rows(_record([], [0.5, 0.8, 0.7]))
    assert [row.gain for row in rows] == [None, pytest.approx(0.3), pytest.approx(-0.1)]


def test_without_validation_there_is_no_gain() -> None:
    assert [row.gain for row in stage_results.rows(_record([], [None, None]))] == [
        None
    ] * 2


def test_waiting_is_weighted_by_the_time_of_each_epoch() -> None:
    # Two stages of the same name are told apart by their first epochs.
    lines = [
        _line("all", 1, 9.0, 0.1),
        _line("all", 2, 1.0, 0.6),
        _line("all", 1, 2.0, 0.5),
    ]
    first, second = stage_results.rows(_record(lines, [None, None]))
    assert first.input_wait == pytest.approx((0.9 + 0.6) / 10)
    assert second.input_wait == 0.5


def test_an_epoch_that_was_not_measured_does_not_count() -> None:
    lines = [_line("all", 1, 9.0, None), _line("all", 2, 1.0, 0.6)]
    (row,) = stage_results.rows(_record(lines, [None]))
    assert row.input_wait == 0.6
    (row,) = stage_results.rows(_record(lines[:1], [None]))
    assert row.input_wait is None
