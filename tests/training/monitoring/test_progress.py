"""What a person sees of a run, with a terminal and without."""

import dataclasses
import io

import pytest
from rich.console import Console

from kft.run_folder.history import EpochRecord
from kft.training.monitoring.progress import ConsoleReporter

RECORD = EpochRecord(
    stage="head",
    epoch=2,
    epochs=5,
    step=20,
    train={"loss": 0.51234, "accuracy": 0.91},
    validation={"loss": 0.6, "accuracy": 0.875},
    learning_rate=0.1,
    seconds=12.3,
    examples_per_second=456.7,
    input_wait_fraction=None,
)
MEANS = {"loss": 0.5, "accuracy": 0.25, "examples_per_second": 1234.0}


def shown(*, terminal: bool, width: int = 100) -> tuple[ConsoleReporter, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=terminal,
        width=width,
        highlight=False,
        legacy_windows=False,
        _environ={"TERM": "xterm" if terminal else "dumb"},
    )
    return ConsoleReporter(console), stream


def test_without_a_terminal_an_epoch_is_one_plain_line():
    reporter, stream = shown(terminal=False)
    with reporter.epoch("head 2/5", 10) as bar:
        bar.update(5, MEANS)
    reporter.done(RECORD, is_best=False)
    assert stream.getvalue().splitlines() == [
        "epoch       loss  accuracy  val_loss  val_accuracy    time  examples/s",
        "head 2/5  0.5123    0.9100    0.6000        0.8750  12.3 s         457",
    ]


def test_epochs_stand_below_each_other_and_the_best_is_marked():
    reporter, stream = shown(terminal=False)
    reporter.done(RECORD, is_best=True)
    reporter.done(dataclasses.replace(RECORD, epoch=3), is_best=False)
    reporter.done(dataclasses.replace(RECORD, stage="top2"), is_best=True)
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == [
        *("epoch", "head", "head"),
        *("epoch", "top2"),
    ]
    marked = [line.endswith("  best") for line in lines]
    assert marked == [False, True, False, False, True]


@pytest.mark.parametrize("stage", ["head", "block5", "stage_2_block_26"])
def test_no_line_of_an_epoch_is_broken_at_80_columns(stage):
    reporter, stream = shown(terminal=True, width=80)
    record = dataclasses.replace(RECORD, stage=stage, epoch=20, epochs=20)
    reporter.done(record, is_best=True)
    names, epoch = stream.getvalue().splitlines()
    assert len(names) <= 80 and len(epoch) <= 80
    assert "0.8750" in epoch and "12.3 s" in epoch
    assert ("examples/s" in names) == (len(stage) <= 6)


def test_on_a_terminal_a_bar_shows_the_figures():
    reporter, stream = shown(terminal=True)
    with reporter.epoch("head 2/5", 10) as bar:
        bar.update(5, MEANS)
    text = stream.getvalue()
    for part in (
        "head 2/5",
        "5/10",
        "loss 0.5000",
        "accuracy 0.2500",
        "1234 examples/s",
    ):
        assert part in text


def test_an_epoch_without_validation_leaves_it_out():
    reporter, stream = shown(terminal=False)
    reporter.done(dataclasses.replace(RECORD, validation={}), is_best=False)
    assert "val_" not in stream.getvalue()


def test_the_plan_is_a_table_with_a_row_per_stage():
    reporter, stream = shown(terminal=False)
    reporter.plan([{"stage": "head", "steps": 1200}, {"stage": "all", "steps": 5}])
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert ["head", "1,200"] in lines and ["all", "5"] in lines


def test_epoch_0_stands_above_the_others_without_figures_of_training():
    reporter, stream = shown(terminal=False)
    untrained = EpochRecord.untrained(
        stage="head", epochs=5, validation=RECORD.validation
    )
    reporter.done(untrained, is_best=True)
    reporter.done(RECORD, is_best=False)
    assert stream.getvalue().splitlines() == [
        "epoch       loss  accuracy  val_loss  val_accuracy    time  examples/s",
        "head 0/5       -         -    0.6000        0.8750   0.0 s           -  best",
        "head 2/5  0.5123    0.9100    0.6000        0.8750  12.3 s         457",
    ]
