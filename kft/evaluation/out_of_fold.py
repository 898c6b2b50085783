"""What each example got by a network that has not seen it: cross-validated answers.

The examples whose label is doubted most come first. Such a list of wrong labels is that
of Northcutt et al. (arXiv 1911.00068).
"""

import csv
import dataclasses
import io
from collections.abc import Sequence

from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.metrics.classification import wilson_interval
from kft.metrics.predictions import ClassPredictions


@dataclasses.dataclass(frozen=True, eq=False)
class OutOfFold:
    """The answers of all folds, for examples that have one class each.

    Attributes:
        labels: the classes.
        folds: of each fold what its run said of the examples that it has not seen.
    """

    labels: LabelMap
    folds: Sequence[ClassPredictions]

    @property
    def examples(self) -> int:
        """Return how many examples were answered."""
        return sum(len(found.ids) for found in self.folds)

    @property
    def accuracy(self) -> float:
        """Return the share of right answers among all examples, in [0, 1]."""
        return self._right / self.examples

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95% Wilson interval of the accuracy, as of independent answers."""
        return wilson_interval(self._right, self.examples)

    @property
    def _right(self) -> int:
        return sum(int((f.predicted == f.labels).sum()) for f in self.folds)

    def to_csv(self) -> str:
        """Return a table with a line for each example, the highest loss first.

        Its columns are id, fold, label, predicted, probability (of what is predicted)
        and loss (cross entropy of the label, in nats).
        """
        rows = [
            (
                str(found.ids[place]),
                fold,
                self.labels.names[found.labels[place]],
                self.labels.names[found.predicted[place]],
                float(probabilities[place].max()),
                float(losses[place]),
            )
            for fold, found in enumerate(self.folds)
            for probabilities, losses in [
                (
                    found.probabilities,
                    scores.cross_entropies(found.logits, found.labels),
                )
            ]
            for place in range(len(found.ids))
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["id", "fold", "label", "predicted", "probability", "loss"])
        for *names, probability, loss in sorted(rows, key=lambda row: -row[-1]):
            writer.writerow([*names, f"{probability:.4f}", f"{loss:.4f}"])
        return text.getvalue()


def of(labels: LabelMap, folds: Sequence[ClassPredictions | None]) -> OutOfFold | None:
    """Return the answers of all folds; None where an example has not one class."""
    known = [found for found in folds if found is not None]
    return OutOfFold(labels, known) if len(known) == len(folds) else None
