"""How trials are compared, and what is kept of them."""

import json

import pytest

from kft import errors
from kft.search import trial_records
from kft.search.search_dir import SearchDir
from kft.search.trial_records import Record
from kft.tasks.class_objective import ACCURACY, LOSS
from kft.tasks.metric import Metric

ERRORS = Metric("error_rate", higher_is_better=False)
# As every version has written it.
FILE = """{
  "number": 3,
  "status": "finished",
  "values": {
    "learning_rate": 0.1
  },
  "share": 1.0,
  "val_accuracy": 0.85,
  "val_loss": 0.7,
  "test_accuracy": null,
  "epochs": 3,
  "seconds": 1.5,
  "message": ""
}"""


def record(number, status, value, loss=1.0, figure="accuracy"):
    validation = {} if value is None else {figure: value, "loss": loss}
    return Record(number, status, {}, 1.0, validation, {}, 3, 1.0)


FAIR = record(0, "finished", 0.8)
PRUNED = record(1, "pruned", 0.9)
FAILED = record(2, "failed", None)
GOOD = record(3, "finished", 0.85, loss=0.7)
SURE = record(4, "finished", 0.85, loss=0.5)


def test_the_accuracy_ranks_then_the_loss_and_what_did_not_finish_comes_last():
    found = trial_records.ranked([FAIR, PRUNED, FAILED, GOOD, SURE], ACCURACY)
    assert found == [SURE, GOOD, FAIR, PRUNED, FAILED]


def test_equals_are_in_the_order_of_their_numbers():
    twin = record(5, "finished", 0.8)
    assert trial_records.ranked([twin, FAIR], ACCURACY) == [FAIR, twin]


def test_where_less_is_better_the_lowest_is_the_best_then_the_lower_loss():
    few, many = (record(n, "finished", n / 10, figure="error_rate") for n in (1, 2))
    sure = record(3, "finished", 0.1, loss=0.5, figure="error_rate")
    pruned = record(4, "pruned", 0.0, figure="error_rate")
    found = [pruned, FAILED, many, few, sure]
    assert trial_records.ranked(found, ERRORS) == [sure, few, many, pruned, FAILED]
    assert trial_records.best(found, ERRORS) == sure


def test_only_what_has_finished_can_be_the_best():
    assert trial_records.best([PRUNED, FAIR, FAILED], ACCURACY) == FAIR
    assert trial_records.best([PRUNED, FAILED], ACCURACY) is None


def test_the_file_of_a_trial_is_that_of_every_version(tmp_path):
    search = SearchDir(tmp_path)
    search.trials.mkdir()
    search.record(3).write_text(FILE)
    found = trial_records.read(search, 3)
    assert found.values == {"learning_rate": 0.1} and found.seconds == 1.5
    assert found.validation == {"accuracy": 0.85, "loss": 0.7} and found.test == {}
    trial_records.write(search, found, ACCURACY)
    assert search.record(3).read_text() == FILE


def test_the_figures_in_the_file_are_those_of_the_task(tmp_path):
    search = SearchDir(tmp_path)
    search.trials.mkdir()
    for one, monitor, names in (
        (FAILED, ERRORS, ["val_error_rate", "val_loss", "test_error_rate"]),
        (record(0, "finished", 0.8, figure="loss"), LOSS, ["val_loss", "test_loss"]),
    ):
        assert trial_records.figure_names(monitor) == names
        trial_records.write(search, one, monitor)
        content = json.loads(search.record(one.number).read_text())
        assert set(names) <= set(content)
        assert trial_records.read(search, one.number) == one


def test_a_damaged_file_is_named(tmp_path):
    search = SearchDir(tmp_path)
    search.trials.mkdir()
    search.record(3).write_text(FILE.replace('"number": 3,', ""))
    with pytest.raises(errors.RunDirError, match=r"0003.json is damaged: .*number"):
        trial_records.read(search, 3)
