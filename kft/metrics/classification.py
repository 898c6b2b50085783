"""Figures of a classifier, from its logits and the labels, by scikit-learn."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kft.metrics import reliability, scores
from kft.metrics.figures import Breakdown, Figure, Group
from kft.metrics.reliability import Bin

TOP_K = 5
# Most classes whose confusion matrix JSON has in full.
_MOST_IN_FULL = 100
# Two-sided 95% of the normal distribution.
_Z = 1.959963984540054
# What people call the figures; of those that are no shares, and what is said of them.
_SHARES = {
    "accuracy": "accuracy",
    "top_5_accuracy": "top-5 accuracy",
    "balanced_accuracy": "balanced accuracy",
}
_NUMBERS = {
    "macro_f1": ("macro F1", "mean over the classes"),
    "weighted_f1": ("weighted F1", "weighted by examples"),
    "roc_auc": ("ROC-AUC (one against the rest)", "mean over the classes"),
    "loss": ("log loss", "nats; 0 is perfect"),
    "brier": ("Brier score", "0 is perfect, 2 the worst"),
    "ece": ("calibration error (ECE)", "15 bins"),
}
_OF_A_CLASS = {
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
}


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """Figures of one class, against all others.

    Attributes:
        label: its name.
        examples: how many there are (support).
        precision: share of those called so that are; None where none is called so.
        recall: share of the examples that are recognised; None without examples.
        f1: harmonic mean of both; None without examples.
        roc_auc: probability that an example of the class is given more of it than one
            of another class is; None where there are no two such examples.
        undefined: why a figure is None, by its name.
    """

    label: str
    examples: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    undefined: Mapping[str, str]

    def group(self) -> Group:
        """Return them as the figures of a part of all examples."""
        return Group.of(
            self.label,
            self.examples,
            vars(self),
            titles=_OF_A_CLASS,
            undefined=self.undefined,
        )


@dataclasses.dataclass(frozen=True)
class ClassificationFigures:
    """What a classifier is worth on a set of examples.

    Attributes:
        examples: how many.
        loss: log loss: mean cross entropy in nats.
        brier: mean squared distance of the probabilities from the truth, summed over
            the classes, in [0, 2].
        ece: expected calibration error over `bins`, in [0, 1].
        accuracy: share of hits, in [0, 1].
        accuracy_interval: 95% Wilson interval of the accuracy.
        top_5_accuracy: share whose class is among the five likeliest; None with five
            classes or fewer.
        top_5_interval: 95% Wilson interval of it; None likewise.
        balanced_accuracy: mean recall of the classes that have examples.
        macro_f1: mean F1 of the classes that have examples.
        weighted_f1: the same, weighted by examples.
        roc_auc: mean ROC-AUC of the classes that have one; None where none has.
        undefined: why a figure is None, by its name.
        classes: figures of each class, in index order.
        bins: of a reliability diagram.
        confusion: [classes][classes], how many examples of a row's class are taken for
            a column's.
    """

    examples: int
    loss: float
    brier: float
    ece: float
    accuracy: float
    accuracy_interval: tuple[float, float]
    top_5_accuracy: float | None
    top_5_interval: tuple[float, float] | None
    balanced_accuracy: float
    macro_f1: float
    weighted_f1: float
    roc_auc: float | None
    undefined: Mapping[str, str]
    classes: tuple[ClassFigures, ...]
    bins: tuple[Bin, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them.

        With more than 100 classes, most of the confusion matrix is 0. Then there is
        `confusion_cells` in its place: [row, column, count] of the others.
        """
        values = dataclasses.asdict(dataclasses.replace(self, confusion=()))
        if len(self.confusion) <= _MOST_IN_FULL:
            return {**values, "confusion": [list(row) for row in self.confusion]}
        del values["confusion"]
        return {**values, "confusion_cells": cells(self.confusion)}

    def headline(self) -> tuple[Figure, ...]:
        """Return the figures of all classes together, the accuracy first."""
        return (
            *(self._share(name, title) for name, title in _SHARES.items()),
            *(self._number(name, *text) for name, text in _NUMBERS.items()),
        )

    def breakdown(self) -> Breakdown:
        """Return the figures of the classes, ranked by F1."""
        groups = tuple(one.group() for one in self.classes)
        return Breakdown("class", "classes", groups, ranked_by="f1")

    def _share(self, name: str, title: str) -> Figure:
        intervals = {
            "accuracy": self.accuracy_interval,
            "top_5_accuracy": self.top_5_interval,
        }
        note = "mean recall of the classes" if name == "balanced_accuracy" else ""
        return Figure(
            name=name,
            title=title,
            value=vars(self)[name],
            interval=intervals.get(name),
            note=self.undefined.get(name, note),
            is_share=True,
        )

    def _number(self, name: str, title: str, note: str) -> Figure:
        return Figure(
            name=name,
            title=title,
            value=vars(self)[name],
            note=self.undefined.get(name, note),
        )


def cells(confusion: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Return row, column and count of each cell of a confusion matrix but zeros."""
    counts = np.array(confusion)
    return [(int(i), int(j), int(counts[i, j])) for i, j in np.argwhere(counts)]


def measure(
    logits: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> ClassificationFigures:
    """Return the figures of logits against labels.

    Args:
        logits: [n, classes], n at least 1.
        labels: [n], class ids.
        names: of the classes; a class may have no examples.
    """
    import sklearn.metrics  # Slow to import, and needed at the end of a run.

    ids = np.arange(len(names))
    probabilities = scores.softmax(logits)
    predicted = logits.argmax(axis=-1)
    hits = int((predicted == labels).sum())
    top_5 = _top_5_hits(logits, labels)
    classes = _classes(probabilities, predicted, labels, names)
    areas = [one.roc_auc for one in classes if one.roc_auc is not None]
    bins = reliability.bins(probabilities, labels)
    return ClassificationFigures(
        examples=len(labels),
        # From the logits: scikit-learn's cuts off what is surely wrong at 36 nats.
        loss=scores.cross_entropy(logits, labels),
        brier=float(
            sklearn.metrics.brier_score_loss(
                labels, probabilities, labels=ids, scale_by_half=False
            )
        ),
        ece=reliability.expected_calibration_error(bins),
        accuracy=float(sklearn.metrics.accuracy_score(labels, predicted)),
        accuracy_interval=wilson_interval(hits, len(labels)),
        top_5_accuracy=None if top_5 is None else top_5 / len(labels),
        top_5_interval=None if top_5 is None else wilson_interval(top_5, len(labels)),
        balanced_accuracy=_mean(predicted, labels, sklearn.metrics.recall_score),
        macro_f1=_mean(predicted, labels, sklearn.metrics.f1_score),
        weighted_f1=_mean(
            predicted, labels, sklearn.metrics.f1_score, average="weighted"
        ),
        roc_auc=float(np.mean(areas)) if areas else None,
        undefined=_undefined(has_top_5=top_5 is not None, has_area=bool(areas)),
        classes=classes,
        bins=bins,
        confusion=tuple(
            tuple(map(int, row))
            for row in sklearn.metrics.confusion_matrix(labels, predicted, labels=ids)
        ),
    )


def _undefined(*, has_top_5: bool, has_area: bool) -> dict[str, str]:
    reasons: dict[str, str] = {}
    if not has_top_5:
        few = f"there are {TOP_K} classes or fewer"
        reasons |= dict.fromkeys(("top_5_accuracy", "top_5_interval"), few)
    if not has_area:
        reasons["roc_auc"] = "no class has both examples of it and of others"
    return reasons


def _top_5_hits(logits: np.ndarray, labels: np.ndarray) -> int | None:
    if logits.shape[-1] <= TOP_K:
        return None
    best = scores.top_classes(logits, TOP_K)
    return int((best == labels[:, None]).any(axis=-1).sum())


def _mean(
    predicted: np.ndarray, labels: np.ndarray, score: Any, average: str = "macro"
) -> float:
    """Return the mean of a score over the classes that have examples."""
    return float(
        score(
            labels,
            predicted,
            labels=np.unique(labels),
            average=average,
            zero_division=0.0,
        )
    )


def _classes(
    probabilities: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
) -> tuple[ClassFigures, ...]:
    import sklearn.metrics

    scores_of = sklearn.metrics.precision_recall_fscore_support(
        labels,
        predicted,
        labels=np.arange(len(names)),
        average=None,
        zero_division=0.0,
    )
    called = np.bincount(predicted, minlength=len(names))
    found = []
    for rank, (name, precision, recall, f1, examples) in enumerate(
        zip(names, *scores_of, strict=True)
    ):
        reasons = _class_undefined(
            examples=examples, called=called[rank], others=len(labels) - examples
        )
        area = None
        if "roc_auc" not in reasons:
            area = sklearn.metrics.roc_auc_score(labels == rank, probabilities[:, rank])
        found.append(
            ClassFigures(
                label=name,
                examples=int(examples),
                precision=None if "precision" in reasons else float(precision),
                recall=None if "recall" in reasons else float(recall),
                f1=None if "f1" in reasons else float(f1),
                roc_auc=None if area is None else float(area),
                undefined=reasons,
            )
        )
    return tuple(found)


def _class_undefined(*, examples: int, called: int, others: int) -> dict[str, str]:
    reasons: dict[str, str] = {}
    if not called:
        reasons["precision"] = "no example is taken for this class"
    if not examples:
        none = "the class has no examples"
        reasons |= dict.fromkeys(("recall", "f1", "roc_auc"), none)
    elif not others:
        reasons["roc_auc"] = "all examples are of this class"
    return reasons


def wilson_interval(hits: int, examples: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson, JASA 22, 1927)."""
    share = hits / examples
    denominator = 1 + _Z**2 / examples
    center = (share + _Z**2 / (2 * examples)) / denominator
    spread = math.sqrt(share * (1 - share) / examples + _Z**2 / (4 * examples**2))
    half = _Z * spread / denominator
    return max(0.0, center - half), min(1.0, center + half)
