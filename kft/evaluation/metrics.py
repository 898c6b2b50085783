"""Figures of a classifier, from its logits and the labels, in plain NumPy."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

TOP_K = 5
# Two-sided 95% of the normal distribution.
_Z = 1.959963984540054


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """Figures of one class.

    Attributes:
        label: its name.
        examples: how many there are.
        precision: share of those called so that are; None where none is called so.
        recall: share of the examples that are recognised; None without examples.
        f1: harmonic mean of both; None without examples.
    """

    label: str
    examples: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclasses.dataclass(frozen=True)
class Figures:
    """What a classifier is worth on a set of examples.

    Attributes:
        examples: how many.
        loss: mean cross entropy in nats.
        accuracy: share of hits, in [0, 1].
        accuracy_interval: 95% Wilson interval of the accuracy.
        top_5_accuracy: share whose class is among the five likeliest; None with five
            classes or fewer.
        macro_f1: mean F1 of the classes that have examples.
        classes: figures of each class, in index order.
    """

    examples: int
    loss: float
    accuracy: float
    accuracy_interval: tuple[float, float]
    top_5_accuracy: float | None
    macro_f1: float
    classes: tuple[ClassFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return dataclasses.asdict(self)


def measure(logits: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Figures:
    """Return the figures of logits [n, classes] against labels [n], n at least 1."""
    predicted = logits.argmax(axis=-1)
    hits = predicted == labels
    own = log_softmax(logits)[np.arange(len(labels)), labels]
    top_5 = None
    if len(names) > TOP_K:
        top_5 = float(np.mean((top_classes(logits, TOP_K) == labels[:, None]).any(-1)))
    classes = _classes(predicted, labels, names)
    return Figures(
        examples=len(labels),
        loss=float(-own.mean()),
        accuracy=float(hits.mean()),
        accuracy_interval=wilson_interval(int(hits.sum()), len(labels)),
        top_5_accuracy=top_5,
        macro_f1=float(np.mean([c.f1 for c in classes if c.f1 is not None])),
        classes=classes,
    )


def _classes(
    predicted: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> tuple[ClassFigures, ...]:
    examples = np.bincount(labels, minlength=len(names))
    called = np.bincount(predicted, minlength=len(names))
    right = np.bincount(labels[predicted == labels], minlength=len(names))
    return tuple(
        ClassFigures(
            label=name,
            examples=int(n),
            precision=float(r / c) if c else None,
            recall=float(r / n) if n else None,
            f1=float(2 * r / (n + c)) if n else None,
        )
        for name, n, c, r in zip(names, examples, called, right, strict=True)
    )


def top_classes(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the class ids of the k largest scores [n, k], largest first.

    Of equal scores the lower class id comes first, as with `argmax`.
    """
    return np.argsort(-scores, axis=-1, kind="stable")[:, :k]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 probabilities over the last axis."""
    return np.exp(log_softmax(logits))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 log probabilities over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def wilson_interval(hits: int, examples: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson, JASA 22, 1927)."""
    share = hits / examples
    denominator = 1 + _Z**2 / examples
    center = (share + _Z**2 / (2 * examples)) / denominator
    spread = math.sqrt(share * (1 - share) / examples + _Z**2 / (4 * examples**2))
    half = _Z * spread / denominator
    return max(0.0, center - half), min(1.0, center + half)
