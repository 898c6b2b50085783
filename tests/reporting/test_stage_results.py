import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from kft.reporting import sections, stage_results
from kft.reporting.run_record import RunRecord
from kft.run_folder.history import EpochRecord, StageResult
from kft.run_folder.run_result import RunResult


def _epoch(stage: str, epoch: int, seconds: float, wait: float | None) -> EpochRecord:
    return EpochRecord(
        stage=stage,
        epoch=epoch,
        epochs=2,
        step=1,
        train={},
        validation={},
        learning_rate=0.1,
        seconds=seconds,
        examples_per_second=5.0,
        input_wait_fraction=wait,
    )


def _record(
    history: Sequence[EpochRecord],
    values: Sequence[float | None],
    *,
    monitor: str = "accuracy",
    higher_is_better: bool = True,
) -> RunRecord:
    stages = tuple(
        StageResult(
            name="all",
            epochs=1,
            seconds=1.0,
            examples_per_second=5.0,
            input_wait_fraction=None,
            trainable_parameters=7,
            cached=False,
            best_epoch=1,
            validation={} if value is None else {monitor: value},
        )
        for value in values
    )
    result = RunResult(
        run_dir=Path("runs/x"),
        monitor=f"val_{monitor}",
        higher_is_better=higher_is_better,
        validation={},
        test={},
        best_stage="all",
        best_epoch=1,
        seconds=1.0,
        startup_seconds={},
        stages=stages,
    )
    empty = dict.fromkeys(field.name for field in dataclasses.fields(RunRecord))
    return RunRecord(**{**empty, "result": result, "history": tuple(history)})


def test_the_gain_is_over_the_stage_before() -> None:
    rows = stage_results.rows(_record([], [0.5, 0.8, 0.7]))
    assert [row.gain for row in rows] == [None, pytest.approx(0.3), pytest.approx(-0.1)]


def test_where_less_is_better_a_gain_is_what_was_lost() -> None:
    record = _record([], [0.5, 0.2], monitor="wer", higher_is_better=False)
    rows = stage_results.rows(record)
    assert [row.value for row in rows] == [0.5, 0.2]
    assert rows[1].gain == pytest.approx(0.3)


def test_without_validation_there_is_no_gain() -> None:
    assert [row.gain for row in stage_results.rows(_record([], [None, None]))] == [
        None
    ] * 2


def test_waiting_is_weighted_by_the_time_of_each_epoch() -> None:
    # Two stages of the same name are told apart by their first epochs.
    lines = [
        _epoch("all", 1, 9.0, 0.1),
        _epoch("all", 2, 1.0, 0.6),
        _epoch("all", 1, 2.0, 0.5),
    ]
    first, second = stage_results.rows(_record(lines, [None, None]))
    assert first.input_wait == pytest.approx((0.9 + 0.6) / 10)
    assert second.input_wait == 0.5


def test_an_epoch_that_was_not_measured_does_not_count() -> None:
    lines = [_epoch("all", 1, 9.0, None), _epoch("all", 2, 1.0, 0.6)]
    (row,) = stage_results.rows(_record(lines, [None]))
    assert row.input_wait == 0.6
    (row,) = stage_results.rows(_record(lines[:1], [None]))
    assert row.input_wait is None


def test_epoch_0_is_of_the_first_stage_and_curves_begin_with_it() -> None:
    untrained = EpochRecord.untrained(stage="all", epochs=2, validation={"loss": 2.0})
    trained = [_epoch("all", one, 1.0, None) for one in (1, 2, 1)]
    trained = [
        dataclasses.replace(one, validation={"loss": 1.0}, train={"loss": 1.0})
        for one in trained
    ]
    record = _record([untrained, *trained], [0.5, 0.6])
    numbers = [[one.epoch for one in stage] for stage in record.stage_epochs]
    assert numbers == [[0, 1, 2], [1]]
    charts = {chart.title: chart for chart in sections.curves(record)}
    training, validation = charts["Loss"].lines
    assert [dot.text.split(":")[0] for dot in validation.dots] == [
        f"validation, epoch {number}" for number in range(4)
    ]
    assert len(training.dots) == 3
    (rate,) = charts["Learning rate"].lines
    assert rate.dots[0].text.startswith("rate, epoch 1")
    assert [span.name for span in charts["Loss"].spans] == ["all", "all"]
    without = _record(trained, [0.5, 0.6])
    assert list(without.epoch_numbers) == [1, 2, 3]
    (compared, *_) = sections.comparison_curves([("a", record), ("b", without)])
    assert [line.dots[0].text.split(":")[0] for line in compared.lines] == [
        "a, epoch 0",
        "b, epoch 1",
    ]
