"""The answers of a network for examples whose labels are known."""

import dataclasses

import numpy as np

from kft.data import label_arrays
from kft.data.label_arrays import Labels
from kft.data.ragged import Ragged
from kft.metrics import scores


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """The exact output of a network, an example at a time.

    Attributes:
        ids: str [n], of the examples.
        labels: as the data has them; see `kft.data.label_arrays`.
        logits: float32 [n, classes]; or rows [steps, classes], one for each example.
    """

    ids: np.ndarray
    labels: Labels
    logits: np.ndarray | Ragged

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> np.ndarray | Ragged:
        """Return the likeliest class ids, [n] or rows [steps]."""
        if isinstance(self.logits, Ragged):
            found = self.logits.values.argmax(axis=-1)
            return dataclasses.replace(self.logits, values=found)
        return np.asarray(self.logits.argmax(axis=-1))

    @property
    def of_classes(self) -> "ClassPredictions | None":
        """Return the same where every example has one class, else None."""
        if isinstance(self.logits, Ragged) or isinstance(self.labels, Ragged):
            return None
        if not label_arrays.is_one_class_each(self.labels):
            return None
        return ClassPredictions(self.ids, self.labels, self.logits)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassPredictions:
    """The exact output of a network for examples that have one class each.

    Attributes:
        ids: str [n], of the examples.
        labels: int32 [n], class ids.
        logits: float32 [n, classes].
    """

    ids: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Return float64 [n, classes], summing to 1."""
        return scores.softmax(self.logits)

    @property
    def predicted(self) -> np.ndarray:
        """Return the likeliest class ids, int64 [n]."""
        return np.asarray(self.logits.argmax(axis=-1))
