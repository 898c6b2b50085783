"""Findings follow from facts, whatever the kind of data."""

import numpy as np

from kft.auditing import findings, json_report
from kft.auditing.checks import NearCopies, Observation
from kft.auditing.scan_dataset import Inspection
from kft.data.examples import Examples, Splits
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged


class _Words:
    """Checks of sentences; their facts are the number of words."""

    noun = "sentences"
    count_key = "examples"

    def describe(self, facts):
        return f"{facts} words"

    def near_copies(self, examples):
        same = [e for e in examples if e.facts == 3]
        return NearCopies([same] if len(same) > 1 else [], "They have three words.")

    def observations(self, examples):
        return [Observation("of one word", [e for e in examples if e.facts == 1])]

    def remarks(self, examples):
        return [f"{sum(e.facts for e in examples)} words."]

    def to_json(self, examples):
        return {"words": [e.facts for e in examples]}


def _part(labels, first):
    n = len(labels)
    ids = np.array([f"s{number}" for number in range(first, first + n)])
    return Examples(ids, labels, np.arange(n), lambda rows: rows)


def _find(train, validation, inspections):
    names = LabelMap(("B", "O"))
    splits = Splits(
        names, _part(train, 0), _part(validation, len(train)), None, "", "x"
    )
    return findings.find(splits, inspections, _Words(), not_used={})


def _inspected(digest, words):
    return Inspection(digest=digest, facts=words)


def test_copies_are_told_apart_by_bytes_and_by_the_checks():
    found = _find(
        np.array([0, 1, 1], np.int32),
        np.array([0, 1], np.int32),
        [
            _inspected(b"1", 3),
            _inspected(b"2", 1),
            Inspection(reason="empty"),
            _inspected(b"1", 3),
            _inspected(b"4", 3),
        ],
    )
    (exact,), (near,) = found.exact, found.near
    assert [e.id for e in exact.members] == ["s0", "s3"]
    assert (exact.across_splits, exact.across_labels) == (True, False)
    assert [e.id for e in near.members] == ["s0", "s3", "s4"]
    assert near.across_labels
    assert [e.id for e in found.unreadable] == ["s2"]
    assert found.counts == {
        "B": {"train": 1, "validation": 1},
        "O": {"train": 2, "validation": 1},
    }
    content = json_report.to_json(found)
    assert (content["examples"], content["words"]) == (5, [3, 1, 3, 3])
    assert found.examples[1].description == "1 words"


def test_groups_of_the_same_bytes_are_no_near_copies():
    same = [_inspected(b"1", 3)] * 2
    found = _find(np.array([0], np.int32), np.array([0], np.int32), same)
    assert len(found.exact) == 1
    assert found.near == []


def test_labels_of_steps_are_counted_by_step_and_compared_as_a_whole():
    train = Ragged.from_rows([np.array([0, 1, 1]), np.array([1])])
    validation = Ragged.from_rows([np.array([0, 1])])
    found = _find(train, validation, [_inspected(b"1", n) for n in (3, 1, 2)])
    assert [e.label for e in found.examples] == ["B O O", "O", "B O"]
    assert found.counts["O"] == {"train": 3, "validation": 1}
    assert found.exact[0].across_labels


def test_several_labels_are_counted_each():
    train = np.array([[1, 1], [0, 1]], np.float32)
    found = _find(train, train[:1], [_inspected(bytes([n]), 2) for n in range(3)])
    assert [e.label for e in found.examples] == ["B, O", "O", "B, O"]
    assert found.counts["O"] == {"train": 2, "validation": 1}
