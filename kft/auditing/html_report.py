"""Findings as one page of HTML with the pictures in it."""

import base64
import dataclasses
import importlib.resources
from collections.abc import Callable, Iterator, Sequence

import jinja2

from kft.auditing import json_report
from kft.auditing.findings import (
    EXTREME_ASPECT,
    TINY_SIDE,
    Findings,
    Group,
    Picture,
)

_MOST_GROUPS = 60
_MOST_MEMBERS = 8
_MOST_PICTURES = 48

# Returns a JPEG of a picture, None where it can not be read.
Thumbnail = Callable[[Picture], bytes | None]


@dataclasses.dataclass(frozen=True)
class _Shown:
    """A picture on the page: `src` is None where there is nothing to see."""

    id: str
    split: str
    label: str
    note: str
    src: str | None


@dataclasses.dataclass(frozen=True)
class _Box:
    """Pictures side by side, and how many more there are."""

    tags: Sequence[str]
    pictures: Sequence[_Shown]
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


def render(findings: Findings, *, near_bits: int | None, thumbnail: Thumbnail) -> str:
    """Return the page; it needs no other file.

    Args:
        findings: of the audit.
        near_bits: most bits in which the hashes of near duplicates differ.
        thumbnail: makes pictures small.
    """
    template = importlib.resources.files(__package__).joinpath("audit.html")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    splits = list(next(iter(findings.counts.values())))
    totals = {name: sum(row.values()) for name, row in findings.counts.items()}
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        findings=findings,
        sections=[s for s in _sections(findings, near_bits, thumbnail) if s.count],
        splits=splits,
        totals=totals,
        largest=max(max(totals.values()), 1),
        formats=json_report.formats(findings),
        sizes=json_report.sizes(findings),
    )


def _sections(
    findings: Findings, near_bits: int | None, thumbnail: Thumbnail
) -> Iterator[_Section]:
    shown = _Shower(thumbnail)
    yield shown.groups(
        "Copies across splits or labels",
        "What is trained on must not be validated on, and a picture has one label. "
        "Remove all but one of each group, or keep a group on one side with the column "
        "group of a table.",
        findings.leaks,
        is_grave=True,
    )
    yield shown.pictures(
        "Files that can not be read",
        "Training stops at these, or leaves them out with --on_bad_image=skip.",
        findings.unreadable,
        note=lambda p: p.look.reason or "",
        is_grave=True,
    )
    yield shown.groups(
        "Exact copies in one split, of one label",
        "The same bytes; they only count twice.",
        [group for group in findings.exact if not group.is_leak],
    )
    yield shown.groups(
        "Near copies in one split, of one label",
        f"Their perceptual hashes differ in at most {near_bits} of 64 bits.",
        [group for group in findings.near or () if not group.is_leak],
    )
    yield shown.pictures(
        "Files of another format than their name says",
        "They are read by their content; other programs may refuse them.",
        findings.mislabelled,
        note=lambda p: f"is {p.look.kind}",
    )
    yield shown.pictures(
        "Tiny pictures",
        f"A side is shorter than {TINY_SIDE} pixels.",
        findings.tiny,
        note=_size,
    )
    yield shown.pictures(
        "Very long pictures",
        f"More than {EXTREME_ASPECT:g} times as long as wide: --resize=crop shows the "
        "network a small part of them.",
        findings.extreme,
        note=_size,
    )
    yield shown.pictures(
        "Pictures of one color", "There is nothing to see.", findings.flat, note=_size
    )


class _Shower:
    """Makes sections of no more pictures than a browser takes."""

    def __init__(self, thumbnail: Thumbnail) -> None:
        self._thumbnail = thumbnail

    def groups(
        self,
        title: str,
        advice: str,
        groups: Sequence[Group],
        *,
        is_grave: bool = False,
    ) -> _Section:
        boxes = [
            _Box(
                tags=_tags(group),
                pictures=[self._picture(p) for p in group.members[:_MOST_MEMBERS]],
                more=max(len(group.members) - _MOST_MEMBERS, 0),
            )
            for group in groups[:_MOST_GROUPS]
        ]
        more = max(len(groups) - _MOST_GROUPS, 0)
        return _Section(title, advice, len(groups), is_grave, boxes, more)

    def pictures(
        self,
        title: str,
        advice: str,
        pictures: Sequence[Picture],
        *,
        note: Callable[[Picture], str],
        is_grave: bool = False,
    ) -> _Section:
        shown = [self._picture(p, note(p)) for p in pictures[:_MOST_PICTURES]]
        more = max(len(pictures) - _MOST_PICTURES, 0)
        boxes = [_Box(tags=(), pictures=shown, more=0)]
        return _Section(title, advice, len(pictures), is_grave, boxes, more)

    def _picture(self, picture: Picture, note: str = "") -> _Shown:
        src = None
        if picture.look.reason is None:
            small = self._thumbnail(picture)
            if small is not None:
                src = "data:image/jpeg;base64," + base64.b64encode(small).decode()
        return _Shown(picture.id, picture.split, picture.label, note, src)


def _tags(group: Group) -> list[str]:
    tags = []
    if group.across_splits:
        tags.append("across splits")
    if group.across_labels:
        tags.append("across labels")
    same = len({picture.look.digest for picture in group.members}) == 1
    return [*tags, "same bytes" if same else "nearly the same"]


def _size(picture: Picture) -> str:
    return f"{picture.look.width} x {picture.look.height}"
