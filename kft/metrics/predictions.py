"""What a network says of examples whose labels are known."""

import dataclasses

import numpy as np

from kft.metrics import scores


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """The exact output of a network, an example at a time.

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
        """Return the likeliest class ids [n]."""
        return self.logits.argmax(axis=-1)
