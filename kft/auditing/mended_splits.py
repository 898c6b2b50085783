"""The splits without what an audit found wrong, as training takes them.

Of copies one stays, the one that judges: that of the test split before that of
validation, and that before one of training. So what is measured stays what it was.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kft.auditing.checks import AuditedExample
from kft.auditing.findings import CopyGroup, Findings
from kft.data.examples import TEST, TRAIN, VALIDATION
from kft.run_folder import split_csv
from kft.run_folder.split_csv import SplitRow

_JUDGING_FIRST = (TEST, VALIDATION, TRAIN)
_COLUMNS = ("id", "label", "split", "reason", "other")


class Dropped(NamedTuple):
    """An example that is in no mended split.

    Attributes:
        example: which one.
        reason: why, a clause.
        other: id of the example that it is a copy of; empty where it is none.
    """

    example: AuditedExample
    reason: str
    other: str = ""


def left_out(findings: Findings) -> list[Dropped]:
    """Return what does not belong into any split, by its position.

    Those are examples that cannot be read; exact copies, but one of each; all exact
    copies that have different labels, for nobody knows which is right; and near copies
    of what is in a split that judges them. Near copies within a split stay, whatever
    their labels: they may be two examples.
    """
    found: dict[int, Dropped] = {}
    for one in (*_unreadable(findings), *_exact(findings)):
        found[one.example.position] = one
    for group in findings.near or ():
        members = [one for one in group.members if one.position not in found]
        for one in _near(members):
            found[one.example.position] = one
    return [found[position] for position in sorted(found)]


def _unreadable(findings: Findings) -> Iterator[Dropped]:
    for example in findings.unreadable:
        yield Dropped(example, "cannot be read")


def _exact(findings: Findings) -> Iterator[Dropped]:
    for group in findings.exact:
        if group.across_labels:
            yield from _contradictory(group)
            continue
        kept = _judging(group.members)
        for one in group.members:
            if one is not kept:
                yield Dropped(one, "exact copy", kept.id)


def _near(members: Sequence[AuditedExample]) -> Iterator[Dropped]:
    """Yield the near copies of what is in a split that judges them."""
    if not members:
        return
    kept = _judging(members)
    for one in members:
        if one.split != kept.split:
            yield Dropped(one, "near copy", kept.id)


def _contradictory(group: CopyGroup) -> Iterator[Dropped]:
    for one in group.members:
        other = next(m for m in group.members if m.label != one.label)
        yield Dropped(one, f"exact copy of another label, {other.label}", other.id)


def _judging(members: Sequence[AuditedExample]) -> AuditedExample:
    """Return the member that stays."""
    return min(members, key=lambda one: _JUDGING_FIRST.index(one.split))


def split_text(findings: Findings, without: Sequence[Dropped]) -> str:
    """Return the table that `--split_file` takes: all examples but those."""
    positions = {one.example.position for one in without}
    return split_csv.to_text(
        SplitRow(one.id, one.label, one.split)
        for one in findings.examples
        if one.position not in positions
    )


def left_out_text(without: Sequence[Dropped]) -> str:
    """Return a table of what is left out, and why."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for example, reason, other in without:
        writer.writerow((example.id, example.label, example.split, reason, other))
    return file.getvalue()
