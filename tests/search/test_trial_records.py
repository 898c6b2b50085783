"""How trials are compared."""

from kft.search import trial_records
from kft.search.trial_records import Record


def record(number, status, accuracy, loss=1.0):
    return Record(number, status, {}, 1.0, accuracy, loss, None, 3, 1.0)


FAIR = record(0, "finished", 0.8)
PRUNED = record(1, "pruned", 0.9)
FAILED = record(2, "failed", None)
GOOD = record(3, "finished", 0.85, loss=0.7)
SURE = record(4, "finished", 0.85, loss=0.5)


def test_the_accuracy_ranks_then_the_loss_and_what_did_not_finish_comes_last():
    found = trial_records.ranked([FAIR, PRUNED, FAILED, GOOD, SURE])
    assert found == [SURE, GOOD, FAIR, PRUNED, FAILED]


def test_only_what_has_finished_can_be_the_best():
    assert trial_records.best([PRUNED, FAIR, FAILED]) == FAIR
    assert trial_records.best([PRUNED, FAILED]) is None
