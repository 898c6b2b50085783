"""Findings as one page of HTML with the examples in it."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import markupsafe

from kft.auditing.checks import AuditedExample
from kft.auditing.findings import CopyGroup, Findings
from kft.pages import render as templates

_MOST_GROUPS = 60
_MOST_MEMBERS = 8
_MOST_EXAMPLES = 48

# Returns what to see of an example as HTML, None where there is nothing.
Preview = Callable[[AuditedExample], str | None]


@dataclasses.dataclass(frozen=True)
class _Shown:
    """An example on the page: `preview` is None where there is nothing to see."""

    id: str
    split: str
    label: str
    note: str
    preview: markupsafe.Markup | None


@dataclasses.dataclass(frozen=True)
class _Box:
    """Examples side by side, and how many more there are."""

    tags: Sequence[str]
    examples: Sequence[_Shown]
    more: int


@dataclasses.dataclass(frozen=True)
class _Section:
    """A kind of finding: `count` of it, of which the first are in `boxes`."""

    title: str
    advice: str
    count: int
    is_grave: bool
    boxes: Sequence[_Box]
    more: int


def render(findings: Findings, preview: Preview) -> str:
    """Return the page; it needs no other file.

    Args:
        findings: of the audit.
        preview: makes examples small.
    """
    splits = list(next(iter(findings.counts.values())))
    totals = {name: sum(row.values()) for name, row in findings.counts.items()}
    values = {
        "findings": findings,
        "sections": [s for s in _sections(findings, preview) if s.count],
        "splits": splits,
        "totals": totals,
        "largest": max(max(totals.values()), 1),
    }
    return templates.render(__package__, "audit.html", values)


def _sections(findings: Findings, preview: Preview) -> Iterator[_Section]:
    shown = _Shower(preview)
    yield shown.groups(
        "Copies across splits or labels",
        "What is trained on must not be validated on, and copies have one label. "
        "Remove all but one of each group, or keep a group in one split with the "
        "column group of a table.",
        findings.leaks,
        is_grave=True,
    )
    yield shown.examples(
        "Files that cannot be read",
        _what_training_does(findings.skip_flag),
        findings.unreadable,
        note=lambda example: example.reason or "",
        is_grave=True,
    )
    yield shown.groups(
        "Exact copies in one split, of one label",
        "The same bytes; they only count twice.",
        [group for group in findings.exact if not group.is_leak],
    )
    yield shown.groups(
        "Near copies in one split, of one label",
        findings.near_rule,
        [group for group in findings.near or () if not group.is_leak],
    )
    for observation in findings.observations:
        if observation.title is not None:
            yield shown.examples(
                observation.title,
                observation.advice,
                observation.examples,
                note=observation.note,
            )


def _what_training_does(skip_flag: str | None) -> str:
    if skip_flag is None:
        return "Training stops at these."
    return f"Training stops at these, or leaves them out with {skip_flag}."


class _Shower:
    """Makes sections of no more examples than a browser takes."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview

    def groups(
        self,
        title: str,
        advice: str,
        groups: Sequence[CopyGroup],
        *,
        is_grave: bool = False,
    ) -> _Section:
        boxes = [
            _Box(
                tags=_tags(group),
                examples=[self._shown(e) for e in group.members[:_MOST_MEMBERS]],
                more=max(len(group.members) - _MOST_MEMBERS, 0),
            )
            for group in groups[:_MOST_GROUPS]
        ]
        more = max(len(groups) - _MOST_GROUPS, 0)
        return _Section(title, advice, len(groups), is_grave, boxes, more)

    def examples(
        self,
        title: str,
        advice: str,
        examples: Sequence[AuditedExample],
        *,
        note: Callable[[AuditedExample], str],
        is_grave: bool = False,
    ) -> _Section:
        shown = [self._shown(e, note(e)) for e in examples[:_MOST_EXAMPLES]]
        more = max(len(examples) - _MOST_EXAMPLES, 0)
        boxes = [_Box(tags=(), examples=shown, more=0)]
        return _Section(title, advice, len(examples), is_grave, boxes, more)

    def _shown(self, example: AuditedExample, note: str = "") -> _Shown:
        preview = None if example.reason is not None else self._preview(example)
        html = None if preview is None else markupsafe.Markup(preview)
        return _Shown(example.id, example.split, example.label, note, html)


def _tags(group: CopyGroup) -> list[str]:
    tags = []
    if group.across_splits:
        tags.append("across splits")
    if group.across_labels:
        tags.append("across labels")
    same = len({example.digest for example in group.members}) == 1
    return [*tags, "same bytes" if same else "nearly the same"]
