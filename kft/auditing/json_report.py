"""Findings as audit.json has them."""

from collections.abc import Sequence
from typing import Any

from kft.auditing.findings import CopyGroup, Findings


def to_json(findings: Findings) -> dict[str, Any]:
    """Return the content of audit.json; every example is named, whatever the number."""
    return {
        "dataset": findings.dataset,
        "is_clean": findings.is_clean,
        "counts": findings.counts,
        "imbalance": round(findings.imbalance, 3),
        "similar_labels": findings.similar_labels,
        "unreadable": [
            {**example.named(), "reason": example.reason}
            for example in findings.unreadable
        ],
        "exact_duplicates": _groups(findings.exact),
        "near_duplicates": None if findings.near is None else _groups(findings.near),
        "not_used": {
            ending: sum(by_folder.values())
            for ending, by_folder in findings.not_used.items()
        },
        "not_used_by_folder": findings.not_used,
        **findings.details,
    }


def _groups(groups: Sequence[CopyGroup]) -> list[dict[str, Any]]:
    return [
        {
            "across_splits": group.across_splits,
            "across_labels": group.across_labels,
            "examples": [example.named() for example in group.members],
        }
        for group in groups
    ]
