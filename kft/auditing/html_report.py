"""Findings as one page of HTML with the images in it."""

import base64
import dataclasses
import importlib.resources
from collections.abc import Callable, Iterator, Sequence

import jinja2

from kft.auditing import json_report
from kft.auditing.findings import (
    EXTREME_ASPECT,
    TINY_SIDE,
    AuditedImage,
    Findings,
    Group,
)

_MOST_GROUPS = 60
_MOST_MEMBERS = 8
_MOST_IMAGES = 48

# Returns a JPEG of an image, None where it cannot be read.
Thumbnail = Callable[[AuditedImage], bytes | None]


@dataclasses.dataclass(frozen=True)
class _Shown:
    """An image on the page: `src` is None where there is nothing to see."""

    id: str
    split: str
    label: str
    note: str
    src: str | None


@dataclasses.dataclass(frozen=True)
class _Box:
    """Images side by side, and how many more there are."""

    tags: Sequence[str]
    images: Sequence[_Shown]
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
        thumbnail: makes images small.
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
        "What is trained on must not be validated on, and an image has one label. "
        "Remove all but one of each group, or keep a group on one side with the column "
        "group of a table.",
        findings.leaks,
        is_grave=True,
    )
    yield shown.images(
        "Files that cannot be read",
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
    yield shown.images(
        "Files of another format than their name says",
        "They are read by their content; other programs may refuse them.",
        findings.mislabelled,
        note=lambda p: f"is {p.look.kind}",
    )
    yield shown.images(
        "Tiny images",
        f"A side is shorter than {TINY_SIDE} pixels.",
        findings.tiny,
        note=_size,
    )
    yield shown.images(
        "Very long images",
        f"More than {EXTREME_ASPECT:g} times as long as wide: --resize=crop shows the "
        "network a small part of them.",
        findings.extreme,
        note=_size,
    )
    yield shown.images(
        "Images of one color", "There is nothing to see.", findings.flat, note=_size
    )


class _Shower:
    """Makes sections of no more images than a browser takes."""

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
                images=[self._image(p) for p in group.members[:_MOST_MEMBERS]],
                more=max(len(group.members) - _MOST_MEMBERS, 0),
            )
            for group in groups[:_MOST_GROUPS]
        ]
        more = max(len(groups) - _MOST_GROUPS, 0)
        return _Section(title, advice, len(groups), is_grave, boxes, more)

    def images(
        self,
        title: str,
        advice: str,
        images: Sequence[AuditedImage],
        *,
        note: Callable[[AuditedImage], str],
        is_grave: bool = False,
    ) -> _Section:
        shown = [self._image(p, note(p)) for p in images[:_MOST_IMAGES]]
        more = max(len(images) - _MOST_IMAGES, 0)
        boxes = [_Box(tags=(), images=shown, more=0)]
        return _Section(title, advice, len(images), is_grave, boxes, more)

    def _image(self, image: AuditedImage, note: str = "") -> _Shown:
        src = None
        if image.look.reason is None:
            small = self._thumbnail(image)
            if small is not None:
                src = "data:image/jpeg;base64," + base64.b64encode(small).decode()
        return _Shown(image.id, image.split, image.label, note, src)


def _tags(group: Group) -> list[str]:
    tags = []
    if group.across_splits:
        tags.append("across splits")
    if group.across_labels:
        tags.append("across labels")
    same = len({image.look.digest for image in group.members}) == 1
    return [*tags, "same bytes" if same else "nearly the same"]


def _size(image: AuditedImage) -> str:
    return f"{image.look.width} x {image.look.height}"
