"""Figures of a classifier whose examples have any number of classes.

By scikit-learn, from logits and switches. Average precision needs no threshold; F1,
precision and recall are of the classes whose probability reaches their own.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kft.metrics import classification, scores
from kft.metrics.figures import Breakdown, Figure, Group
from kft.metrics.thresholds import HALF

_OF_A_CLASS = {
    "average_precision": "average precision",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "roc_auc": "ROC-AUC",
    "threshold": "threshold",
}
_NO_EXAMPLES = "no example is of a class"


@dataclasses.dataclass(frozen=True)
class LabelFigures:
    """Figures of one class.

    Attributes:
        label: its name.
        examples: how many are of it (support).
        average_precision: mean precision over the ranks of its examples, most probable
            first; None without examples.
        f1: harmonic mean of precision and recall; None without examples.
        precision: share of those called so that are; None where none is called so.
        recall: share of its examples that are called so; None without examples.
        roc_auc: probability that an example of it is given more of it than another one
            is; None where there are no two such examples.
        threshold: the least probability with which it is said.
        undefined: why a figure is None, by its name.
    """

    label: str
    examples: int
    average_precision: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    roc_auc: float | None
    threshold: float
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
class MultiLabelFigures:
    """What a classifier is worth on examples with any number of classes.

    Attributes:
        examples: how many.
        labels: how many classes they have in all.
        without_class: how many examples have none.
        loss: mean over the examples of the binary cross entropies of all classes, added
            up: nats.
        mean_average_precision: mean over the classes that have examples (mAP); None
            where none has.
        micro_f1: of all classes together, each said from `HALF` on: what chooses the
            weights.
        precision: likewise.
        recall: likewise.
        served_micro_f1: of all classes together, each said from its threshold on.
        served_macro_f1: mean over the classes that have examples, likewise; None where
            none has.
        exact_match: share of examples whose classes are said, and no others, likewise.
        exact_match_interval: 95% Wilson interval of it.
        roc_auc: mean over the classes that have one; None where none has.
        undefined: why a figure is None, by its name.
        classes: figures of each class, in index order.
    """

    examples: int
    labels: int
    without_class: int
    loss: float
    mean_average_precision: float | None
    micro_f1: float
    precision: float
    recall: float
    served_micro_f1: float
    served_macro_f1: float | None
    exact_match: float
    exact_match_interval: tuple[float, float]
    roc_auc: float | None
    undefined: Mapping[str, str]
    classes: tuple[LabelFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return dataclasses.asdict(self)

    def headline(self) -> tuple[Figure, ...]:
        """Return the figures of all classes together, the mAP first."""
        fitted = "each class from its threshold on"
        return (
            self._figure(
                "mean_average_precision", "mAP", "mean over the classes; no threshold"
            ),
            self._figure("served_micro_f1", "micro F1, as served", fitted),
            self._figure("served_macro_f1", "macro F1, as served", fitted),
            Figure(
                name="exact_match",
                title="exact match, as served",
                value=self.exact_match,
                interval=self.exact_match_interval,
                note="no class too many or too few",
                is_share=True,
            ),
            self._figure("micro_f1", "micro F1 at 0.5", "chooses the weights"),
            self._figure("precision", "precision at 0.5", "of all classes together"),
            self._figure("recall", "recall at 0.5", "of all classes together"),
            self._figure("roc_auc", "ROC-AUC", "mean over the classes"),
            self._figure("loss", "log loss", "nats, of all classes added up"),
        )

    def breakdown(self) -> Breakdown:
        """Return the figures of the classes, ranked by average precision."""
        groups = tuple(one.group() for one in self.classes)
        return Breakdown("class", "classes", groups, ranked_by="average_precision")

    def _figure(self, name: str, title: str, note: str) -> Figure:
        return Figure(
            name=name,
            title=title,
            value=vars(self)[name],
            note=self.undefined.get(name, note),
        )


def measure(
    logits: np.ndarray,
    switches: np.ndarray,
    names: Sequence[str],
    *,
    thresholds: np.ndarray,
) -> MultiLabelFigures:
    """Return the figures of logits against switches.

    Args:
        logits: [n, classes], n at least 1.
        switches: [n, classes], 1 where an example is of a class, else 0.
        names: of the classes; a class may have no examples.
        thresholds: [classes], the least probability with which a class is said.
    """
    import sklearn.metrics  # Slow to import, and needed at the end of a run.

    true = switches > 0
    probabilities = scores.sigmoid(logits)
    at_half, served = probabilities >= HALF, probabilities >= thresholds
    classes = tuple(
        _of_class(name, true[:, i], probabilities[:, i], float(thresholds[i]))
        for i, name in enumerate(names)
    )
    exact = int((served == true).all(axis=1).sum())
    precision, recall, micro_f1, _ = sklearn.metrics.precision_recall_fscore_support(
        true, at_half, average="micro", zero_division=0.0
    )
    precisions = _known([one.average_precision for one in classes])
    areas = _known([one.roc_auc for one in classes])
    f1 = _known([one.f1 for one in classes])
    return MultiLabelFigures(
        examples=len(logits),
        labels=int(true.sum()),
        without_class=int((~true.any(axis=1)).sum()),
        loss=float(scores.binary_cross_entropy(logits, true).sum(axis=1).mean()),
        mean_average_precision=_mean(precisions),
        micro_f1=float(micro_f1),
        precision=float(precision),
        recall=float(recall),
        served_micro_f1=float(
            sklearn.metrics.f1_score(true, served, average="micro", zero_division=0.0)
        ),
        served_macro_f1=_mean(f1),
        exact_match=exact / len(logits),
        exact_match_interval=classification.wilson_interval(exact, len(logits)),
        roc_auc=_mean(areas),
        undefined=_undefined(has_examples=bool(precisions), has_area=bool(areas)),
        classes=classes,
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _undefined(*, has_examples: bool, has_area: bool) -> dict[str, str]:
    reasons: dict[str, str] = {}
    if not has_examples:
        of_examples = ("mean_average_precision", "served_macro_f1")
        reasons |= dict.fromkeys(of_examples, _NO_EXAMPLES)
    if not has_area:
        reasons["roc_auc"] = "no class has both examples of it and of others"
    return reasons


def _of_class(
    name: str, true: np.ndarray, probabilities: np.ndarray, threshold: float
) -> LabelFigures:
    import sklearn.metrics

    said = probabilities >= threshold
    examples, called = int(true.sum()), int(said.sum())
    found = int((true & said).sum())
    reasons: dict[str, str] = {}
    if not called:
        reasons["precision"] = "no example is taken for this class"
    if not examples:
        of_examples = ("average_precision", "f1", "recall", "roc_auc")
        reasons |= dict.fromkeys(of_examples, "the class has no examples")
    elif examples == len(true):
        reasons["roc_auc"] = "all examples are of this class"
    area, precision = None, None
    if "roc_auc" not in reasons:
        area = float(sklearn.metrics.roc_auc_score(true, probabilities))
    if examples:
        precision = float(sklearn.metrics.average_precision_score(true, probabilities))
    return LabelFigures(
        label=name,
        examples=examples,
        average_precision=precision,
        f1=2 * found / (examples + called) if examples else None,
        precision=found / called if called else None,
        recall=found / examples if examples else None,
        roc_auc=area,
        threshold=threshold,
        undefined=reasons,
    )
