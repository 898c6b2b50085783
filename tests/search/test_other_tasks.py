"""A search judges by the figure that the task names, in its direction."""

import csv
import json

import pytest
from rich.console import Console

from kft import errors, tasks
from kft.cli import by_task, flags
from kft.config import SearchConfig
from kft.search import check, results, search
from kft.tasks.metric import Metric
from kft.training.monitoring.progress import SilentReporter
from kft.training.monitoring.signals import Signals
from tests import tiny
from tests.tasks import rising_steps


@pytest.fixture
def search_errors(search_tiny, played, monkeypatch):
    """Return `search_tiny` of runs judged by errors: a trial's learning rate."""

    class Objective:
        monitor = Metric("error_rate", higher_is_better=False, format=".1%")

    class Task(tiny.Task):
        def __init__(self):
            super().__init__()
            self.objective = Objective()

    played.figure, played.best = "error_rate", min
    monkeypatch.setattr(tasks, "get", lambda config, labels: Task())
    return search_tiny


def _rates(played):
    return [config.learning_rate for config in played.configs]


def test_the_trial_with_the_fewest_errors_is_the_best(search_errors, played):
    outcome = search_errors()
    lowest = min(_rates(played))
    assert outcome.best.validation == {"error_rate": lowest, "loss": 1.0}
    assert outcome.config.learning_rate == lowest
    oracle = json.loads(outcome.search.oracle_json.read_text())
    metrics = oracle["trials"]["0"]["metrics"]["metrics"]
    assert metrics["val_error_rate"]["direction"] == "min"


def test_what_is_written_has_the_names_of_the_task(search_errors, played):
    outcome = search_errors()
    lowest = min(_rates(played))
    with open(outcome.search.trials_csv, newline="") as file:
        table = csv.DictReader(file)
        assert [float(line["val_error_rate"]) for line in table] == _rates(played)
        assert table.fieldnames[2:5] == [
            "val_error_rate",
            "val_loss",
            "test_error_rate",
        ]
    first_line = outcome.search.best_cfg.read_text().splitlines()[0]
    assert first_line.endswith(f", validation error_rate {lowest:.1%}.")
    console = Console(record=True, width=120)
    console.print(results.table(outcome.space, outcome.records, outcome.monitor))
    shown = console.export_text()
    assert "error" in shown and "accuracy" not in shown
    cells = [line.split() for line in shown.splitlines() if "%" in line]
    assert cells[0][1] == f"{lowest:.1%}"


def test_a_trial_with_more_errors_than_the_others_is_pruned(search_errors, played):
    curves = {5: [0.8, 0.8, 0.1], 6: [0.2, 0.1, 0.1]}
    played.curve = lambda config: curves.get(len(played.configs), [0.5, 0.4, 0.3])
    outcome = search_errors()
    fifth, sixth = outcome.records[4:]
    assert (fifth.status, fifth.epochs) == ("pruned", 1)
    assert fifth.message == "after 1 of 3 epochs above the median of the others"
    assert outcome.best == sixth and sixth.epochs == 3


def test_a_pruned_trial_has_the_figures_of_its_best_epoch(search_errors, played):
    curves = {5: [0.7, 0.8, 0.1, 0.1, 0.1, 0.1]}
    others = [0.5, 0.4, 0.3, 0.3, 0.3, 0.3]
    played.curve = lambda config: curves.get(len(played.configs), others)
    fifth = search_errors(stages="head:6").records[4]
    assert (fifth.status, fifth.epochs) == ("pruned", 2)
    assert fifth.validation["error_rate"] == 0.7


def test_bayesian_search_comes_close_to_the_lowest(search_errors, played):
    played.curve = lambda config: [abs(config.dropout - 0.6)] * 3
    outcome = search_errors(tuner="bayesian", trials=12, space="dropout=linear:0..0.95")
    assert abs(outcome.best.values["dropout"] - 0.6) < 0.03


def test_hyperband_goes_on_with_the_lowest_and_a_failure_is_the_worst(
    search_errors, played
):

    def curve(config):
        if len(played.configs) == 1:
            raise errors.NotFiniteError("The loss is not finite.")
        return [config.learning_rate]

    played.curve = curve
    search_errors(tuner="hyperband", trials=13, stages="head:9")
    tried = [(c.stages, c.learning_rate) for c in played.configs]
    assert [[s for s, _ in tried].count(f"head:{n}") for n in (1, 3, 9)] == [9, 3, 1]
    lowest = min(rate for stages, rate in tried[1:] if stages == "head:1")
    assert ("head:9", lowest) in tried
    assert tried[0][1] not in [rate for stages, rate in tried if stages != "head:1"]


def test_a_trial_without_the_figure_is_said(search_errors, played):
    names = {2: "accuracy"}

    def curve(config):
        played.figure = names.get(len(played.configs), "error_rate")
        return [0.5]

    played.curve = curve
    outcome = search_errors(trials=3)
    assert [r.status for r in outcome.records] == ["finished", "failed", "finished"]
    assert outcome.records[1].message == (
        "The trial has no val_error_rate, by which trials are compared; it has "
        "accuracy, loss."
    )


@pytest.mark.slow
def test_curves_are_searched_by_f1(tmp_path, monkeypatch):
    monkeypatch.setitem(tasks.TASKS, "rising_steps", rising_steps.KIND)
    rising_steps.write_curves(tmp_path / "curves.csv", count=60)
    given = flags.parse(
        by_task.ByTask(tasks.known, SearchConfig),
        [
            "--task=rising_steps",
            f"--dataset=csv:{tmp_path / 'curves.csv'}",
            f"--search_dir={tmp_path / 'search'}",
            "--stages=head:3",
            "--batch_size=16",
            "--space=learning_rate=choice:1e-9|0.5",
            "--tuner=grid",
            "--prune=off",
            "--export=",
        ],
    ).config
    config, space = check.check(given, {})
    outcome = search.run(config, space, signals=Signals(), reporter=SilentReporter())
    still, learned = outcome.records
    assert outcome.best == learned
    assert learned.validation["f1"] > still.validation["f1"]
    result = json.loads((outcome.search.trial(1) / "result.json").read_text())
    assert result["val_f1"] == learned.validation["f1"]
    assert result["val_loss"] == learned.validation["loss"]
    header = outcome.search.trials_csv.read_text().splitlines()[0]
    assert header.startswith("trial,status,val_f1,val_loss,test_f1,epochs")
