"""Findings on a terminal."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from kft.auditing.findings import (
    EXTREME_ASPECT,
    TINY_SIDE,
    AuditedImage,
    Findings,
    Group,
)

_MOST_CLASSES = 20


def new() -> Console:
    """Return a console for standard output."""
    return Console(highlight=False)


@contextlib.contextmanager
def bar(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that moves a bar on; without a terminal there is none."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda more: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("looking at images", total=total)
        yield lambda more: progress.advance(task, more)


def show(findings: Findings, console: Console) -> None:
    """Print the counts of the classes, and how often each thing was found."""
    console.print(
        f"{findings.dataset}: {len(findings.images):,} images of "
        f"{len(findings.counts):,} classes",
        markup=False,
        soft_wrap=True,
    )
    console.print(_classes(findings))
    console.print(_found(findings))


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


def _found(findings: Findings) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("found", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("such as", overflow="fold")
    for name, found, is_grave in _rows(findings):
        style = "bold red" if found and is_grave else ""
        example = _example(found[0]) if found else ""
        table.add_row(Text(name, style), f"{len(found):,}", Text(example))
    largest = max(findings.counts, key=lambda n: findings.counts[n].get("train", 0))
    smallest = min(findings.counts, key=lambda n: findings.counts[n].get("train", 0))
    table.add_row(
        "largest / smallest class",
        f"{findings.imbalance:.1f}",
        Text(f"{largest} / {smallest} (training)"),
    )
    unused = [f"{end or 'no ending'} {n:,}" for end, n in findings.not_used.items()]
    pairs = findings.similar_labels
    example = " and ".join(pairs[0]) if pairs else ""
    table.add_row("classes of similar names", f"{len(pairs):,}", Text(example))
    table.add_row(
        "files that are no examples",
        f"{sum(findings.not_used.values()):,}",
        Text(", ".join(unused)),
    )
    return table


def _rows(
    findings: Findings,
) -> Iterator[tuple[str, Sequence[Group | AuditedImage], bool]]:
    """Yield name, what was found, and whether the audit fails because of it."""
    for name, groups in (("exact", findings.exact), ("near", findings.near)):
        if groups is None:
            continue
        across_splits = [group for group in groups if group.across_splits]
        across_labels = [group for group in groups if group.across_labels]
        yield f"{name} copies across splits", across_splits, True
        yield f"{name} copies across labels", across_labels, True
        yield f"{name} copies otherwise", [g for g in groups if not g.is_leak], False
    if findings.near is not None and findings.not_hashed:
        yield "too small or flat for near copies", findings.not_hashed, False
    yield "files that cannot be read", findings.unreadable, True
    yield "format is not that of the name", findings.mislabelled, False
    yield f"tiny (a side below {TINY_SIDE} pixels)", findings.tiny, False
    yield f"very long (over {EXTREME_ASPECT:g} to 1)", findings.extreme, False
    yield "of one color", findings.flat, False


def _example(found: Group | AuditedImage) -> str:
    if isinstance(found, Group):
        first, second, *_ = _differing(found)
        return f"{_placed(first)}\n{_placed(second)}"
    if found.look.reason is not None:
        return f"{found.id}: {found.look.reason}"
    return f"{found.id} ({found.look.kind}, {found.look.width} x {found.look.height})"


def _differing(group: Group) -> list[AuditedImage]:
    """Return the members, the second one as unlike the first as the group allows."""
    first, *others = group.members
    others.sort(key=lambda p: (p.split == first.split, p.label == first.label))
    return [first, *others]


def _placed(image: AuditedImage) -> str:
    return f"{image.id} ({image.split})"
