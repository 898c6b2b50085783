"""Findings as audit.json has them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kft.auditing.findings import AuditedImage, Findings, Group


def to_json(findings: Findings, *, near_bits: int | None) -> dict[str, Any]:
    """Return the content of audit.json; every image is named, whatever the number."""
    return {
        "dataset": findings.dataset,
        "is_clean": findings.is_clean,
        "images": len(findings.images),
        "counts": findings.counts,
        "imbalance": round(findings.imbalance, 3),
        "similar_labels": findings.similar_labels,
        "formats": formats(findings),
        "sizes": sizes(findings),
        "unreadable": [
            {**_named(p), "reason": p.look.reason} for p in findings.unreadable
        ],
        "mislabelled": [
            {**_named(p), "format": p.look.kind} for p in findings.mislabelled
        ],
        "exact_duplicates": _groups(findings.exact),
        "near_duplicates": None if findings.near is None else _groups(findings.near),
        "near_bits": near_bits,
        "not_hashed": len(findings.not_hashed),
        "tiny": _sized(findings.tiny),
        "extreme": _sized(findings.extreme),
        "flat": _sized(findings.flat),
        "not_used": findings.not_used,
    }


def formats(findings: Findings) -> dict[str, int]:
    """Return the number of images by format, the most frequent one first."""
    kinds = [p.look.kind for p in findings.images if p.look.kind]
    names, counts = np.unique(np.array(kinds, dtype=str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): int(counts[i]) for i in order}


def sizes(findings: Findings) -> dict[str, list[int]] | None:
    """Return smallest, median and largest of the sides, in pixels."""
    readable = [p.look for p in findings.images if p.look.reason is None]
    if not readable:
        return None
    sides = np.array([(seen.width, seen.height) for seen in readable])
    found = np.percentile(sides, [0, 50, 100], axis=0).astype(int)
    return {"width": found[:, 0].tolist(), "height": found[:, 1].tolist()}


def _named(image: AuditedImage) -> dict[str, str]:
    return {"id": image.id, "split": image.split, "label": image.label}


def _sized(images: Iterable[AuditedImage]) -> list[dict[str, Any]]:
    return [
        {**_named(p), "width": p.look.width, "height": p.look.height} for p in images
    ]


def _groups(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {
            "across_splits": group.across_splits,
            "across_labels": group.across_labels,
            "examples": [_named(image) for image in group.members],
        }
        for group in groups
    ]
