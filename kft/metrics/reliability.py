"""The reliability of probabilities: confidence against accuracy, in bins.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kft.metrics import scores

BINS = 15


@dataclasses.dataclass(frozen=True)
class Bin:
    """The examples whose confidence lies above `low` and not above `high`.

    Attributes:
        low: in [0, 1].
        high: likewise.
        examples: how many there are.
        confidence: mean probability of their likeliest class; None without examples.
        accuracy: share of them that is right; None without examples.
    """

    low: float
    high: float
    examples: int
    confidence: float | None
    accuracy: float | None


def bins(probabilities: np.ndarray, labels: np.ndarray) -> tuple[Bin, ...]:
    """Return the `BINS` bins of equal width of a reliability diagram.

    Args:
        probabilities: [n, classes].
        labels: [n], class ids.
    """
    confidence = probabilities.max(axis=-1)
    hits = probabilities.argmax(axis=-1) == labels
    # A confidence on an edge belongs to the bin below it.
    own = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(own, minlength=BINS)
    sure = np.bincount(own, weights=confidence, minlength=BINS)
    right = np.bincount(own, weights=hits, minlength=BINS)
    return tuple(
        Bin(
            low=rank / BINS,
            high=(rank + 1) / BINS,
            examples=int(n),
            confidence=float(sure[rank] / n) if n else None,
            accuracy=float(right[rank] / n) if n else None,
        )
        for rank, n in enumerate(counts)
    )


def expected_calibration_error(found: Sequence[Bin]) -> float:
    """Return the mean gap between confidence and accuracy (equation 3 there).

    Each bin is weighted by its examples, of which there is at least one in all.
    """
    gaps = [
        one.examples * abs(one.accuracy - one.confidence)
        for one in found
        if one.accuracy is not None and one.confidence is not None
    ]
    return float(sum(gaps) / sum(one.examples for one in found))


def error_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error of logits.

    Args:
        logits: [n, classes], n at least 1.
        labels: [n], class ids.
    """
    return expected_calibration_error(bins(scores.softmax(logits), labels))
