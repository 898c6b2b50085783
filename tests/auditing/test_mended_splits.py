"""The splits without what is wrong: what stays, and what says why."""

import csv
import io

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from kft.auditing import mended_splits
from kft.auditing.checks import AuditedExample
from kft.auditing.findings import CopyGroup, Findings

SPLITS = ("train", "validation", "test")


def _findings(examples, exact=(), near=()):
    return Findings(
        dataset="folder:x",
        noun="images",
        counts={"a": {"train": 1}},
        examples=examples,
        exact=[CopyGroup(tuple(examples[i] for i in group)) for group in exact],
        near=[CopyGroup(tuple(examples[i] for i in group)) for group in near],
        near_rule="",
        observations=(),
        remarks=(),
        details={},
        not_used={},
    )


def _examples(*placed, unreadable=()):
    """Return examples of (split, label), named by their positions."""
    return [
        AuditedExample(
            f"{position}.jpg",
            split,
            label,
            position,
            reason="cut" if position in unreadable else None,
        )
        for position, (split, label) in enumerate(placed)
    ]


def _rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def _kept(findings):
    without = mended_splits.left_out(findings)
    return [row["id"] for row in _rows(mended_splits.split_text(findings, without))]


@pytest.mark.parametrize("kind", ["exact", "near"])
def test_the_copy_that_judges_stays(kind: str) -> None:
    examples = _examples(
        ("train", "a"), ("validation", "a"), ("test", "a"), ("train", "b")
    )
    found = _findings(examples, **{kind: [(0, 1, 2)]})
    assert _kept(found) == ["2.jpg", "3.jpg"]
    found = _findings(examples, **{kind: [(0, 1)]})
    assert _kept(found) == ["1.jpg", "2.jpg", "3.jpg"]


def test_within_a_split_exact_copies_go_and_near_ones_stay() -> None:
    examples = _examples(("train", "a"), ("train", "a"), ("train", "b"))
    assert _kept(_findings(examples, exact=[(0, 1)])) == ["0.jpg", "2.jpg"]
    assert len(_kept(_findings(examples, near=[(0, 1, 2)]))) == 3


def test_exact_copies_of_different_labels_all_go() -> None:
    examples = _examples(("train", "a"), ("validation", "b"), ("train", "b"))
    found = _findings(examples, exact=[(0, 1)])
    rows = _rows(mended_splits.left_out_text(mended_splits.left_out(found)))
    assert [tuple(row.values()) for row in rows] == [
        ("0.jpg", "a", "train", "exact copy of another label, b", "1.jpg"),
        ("1.jpg", "b", "validation", "exact copy of another label, a", "0.jpg"),
    ]


def test_what_is_left_out_judges_nothing() -> None:
    # 1 and 2 contradict each other, so 0 is a near copy of nothing that stays.
    examples = _examples(("train", "a"), ("validation", "a"), ("validation", "b"))
    found = _findings(examples, exact=[(1, 2)], near=[(0, 1, 2)])
    assert _kept(found) == ["0.jpg"]


def test_what_cannot_be_read_goes() -> None:
    examples = _examples(("train", "a"), ("test", "b"), unreadable=[1])
    found = _findings(examples)
    assert _kept(found) == ["0.jpg"]
    (row,) = _rows(mended_splits.left_out_text(mended_splits.left_out(found)))
    assert (row["id"], row["reason"], row["other"]) == ("1.jpg", "cannot be read", "")


@hypothesis.given(st.data())
def test_no_copy_is_on_both_sides_and_every_example_is_somewhere(data) -> None:
    size = data.draw(st.integers(1, 12))
    places = st.tuples(st.sampled_from(SPLITS), st.sampled_from("ab"))
    examples = _examples(*data.draw(st.lists(places, min_size=size, max_size=size)))

    def groups():
        which = np.array(data.draw(st.lists(st.integers(0, 4), min_size=size)))[:size]
        every = [np.flatnonzero(which == number) for number in range(5)]
        return [members.tolist() for members in every if len(members) > 1]

    found = _findings(examples, exact=groups(), near=groups())
    without = mended_splits.left_out(found)
    gone = {one.example.position for one in without}
    kept = set(_kept(found))
    assert {one.id for one in examples if one.position not in gone} == kept
    for group in found.exact:
        staying = sum(one.id in kept for one in group.members)
        assert staying <= 1 - group.across_labels
    for group in found.near:
        assert len({one.split for one in group.members if one.id in kept}) <= 1
