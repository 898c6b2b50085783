"""What a network says of examples whose labels are known."""

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
    def probabilities(self) -> np.ndarray | Ragged:
        """Return float64 probabilities in place of the logits, summing to 1."""
        if isinstance(self.logits, Ragged):
            found = scores.softmax(self.logits.values)
            return dataclasses.replace(self.logits, values=found)
        return scores.softmax(self.logits)

    @property
    def predicted(self) -> np.ndarray | Ragged:
        """Return the likeliest class ids, [n] or rows [steps]."""
        if isinstance(self.logits, Ragged):
            found = self.logits.values.argmax(axis=-1)
            return dataclasses.replace(self.logits, values=found)
        return self.logits.argmax(axis=-1)

    @property
    def has_class_labels(self) -> bool:
        """Return whether every example has one class, and a logit for each class."""
        is_one_class = label_arrays.is_one_class_each(self.labels)
        return is_one_class and isinstance(self.logits, np.ndarray)
