"""Findings on a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kft.auditing.checks import AuditedExample
from kft.auditing.findings import CopyGroup, Findings

_MOST_CLASSES = 20


def show(findings: Findings, console: Console) -> None:
    """Print the counts of the classes, and how often each thing was found."""
    console.print(
        f"{findings.dataset}: {len(findings.examples):,} {findings.noun} of "
        f"{len(findings.counts):,} classes",
        markup=False,
        soft_wrap=True,
    )
    console.print(_classes(findings))
    console.print(_faults(findings))


def _classes(findings: Findings) -> Table:
    splits = list(next(iter(findings.counts.values())))
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    for name in (*splits, "all"):
        table.add_column(name, justify="right")
    rows = sorted(
        findings.counts.items(), key=lambda item: sum(item[1].values()), reverse=True
    )
    left_out = max(len(rows) - _MOST_CLASSES, 0)
    half = _MOST_CLASSES // 2
    for place, (name, counts) in enumerate(rows):
        if left_out and place == half:
            table.add_row(Text(f"({left_out:,} more, in audit.json)"))
        if left_out and half <= place < half + left_out:
            continue
        numbers = [counts[split] for split in splits]
        table.add_row(Text(name), *(f"{n:,}" for n in (*numbers, sum(numbers))))
    return table


def _faults(findings: Findings) -> Table:
    """Return what was found, and in a last row what was looked for in vain."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("found", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("such as", overflow="fold")
    for name, members, is_grave in _rows(findings):
        if members:
            style = "bold red" if is_grave else ""
            table.add_row(
                Text(name, style), f"{len(members):,}", Text(_such_as(members[0]))
            )
    largest = max(findings.counts, key=lambda n: findings.counts[n].get("train", 0))
    smallest = min(findings.counts, key=lambda n: findings.counts[n].get("train", 0))
    table.add_row(
        "largest / smallest class",
        f"{findings.imbalance:.1f}",
        Text(f"{largest} / {smallest} (training)"),
    )
    pairs = findings.similar_labels
    if pairs:
        shown = " and ".join(pairs[0])
        table.add_row("classes of similar names", f"{len(pairs):,}", Text(shown))
    if findings.not_used:
        number = sum(sum(one.values()) for one in findings.not_used.values())
        shown = ", ".join(findings.not_used_in_words)
        table.add_row("files that are no examples", f"{number:,}", Text(shown))
    not_found = [name for name, members, _ in _rows(findings) if not members]
    table.add_row("not found", "", Text("; ".join(not_found), "dim"))
    return table


def _rows(findings: Findings) -> Iterator[tuple[str, Sequence[Any], bool]]:
    """Yield name, groups or examples, and whether the audit fails because of them."""
    for name, groups in (("exact", findings.exact), ("near", findings.near)):
        if groups is None:
            continue
        across_splits = [group for group in groups if group.across_splits]
        across_labels = [group for group in groups if group.across_labels]
        yield f"{name} copies across splits", across_splits, True
        yield f"{name} copies across labels", across_labels, True
        yield f"{name} copies otherwise", [g for g in groups if not g.is_leak], False
    yield "files that cannot be read", findings.unreadable, True
    for observation in findings.observations:
        yield observation.name, observation.examples, False


def _such_as(one: CopyGroup | AuditedExample) -> str:
    if isinstance(one, CopyGroup):
        first, second, *_ = _differing(one)
        return f"{_placed(first)}\n{_placed(second)}"
    if one.reason is not None:
        return f"{one.id}: {one.reason}"
    return f"{one.id} ({one.description})"


def _differing(group: CopyGroup) -> list[AuditedExample]:
    """Return the members, the second one as unlike the first as the group allows."""
    first, *others = group.members
    others.sort(key=lambda e: (e.split == first.split, e.label == first.label))
    return [first, *others]


def _placed(example: AuditedExample) -> str:
    return f"{example.id} ({example.split})"
