"""Thresholds of classes: the least probability with which a class is said.

Each is the one with the best F1 of its class on some examples (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014).
"""

import dataclasses

import numpy as np

# Of a class that nothing was fitted for.
HALF = 0.5
# The ends of the interval that thresholds lie in: a probability of 0 is never said, and
# one that was rounded to 1 always can be.
_LEAST, _MOST = np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class FittedThreshold:
    """The threshold of a class, and what it is worth where it was fitted.

    Attributes:
        threshold: in (0, 1).
        examples: of the class, that it was fitted on. The threshold is `HALF` with
            none, and where all probabilities are 0.
        f1_at_half: F1 with the threshold `HALF`; None without examples.
        f1: with this one; likewise.
    """

    threshold: float
    examples: int
    f1_at_half: float | None
    f1: float | None


def fit(probabilities: np.ndarray, switches: np.ndarray) -> list[FittedThreshold]:
    """Return the threshold of each class.

    Args:
        probabilities: [n, classes], in [0, 1].
        switches: [n, classes], 1 where an example is of a class, else 0.
    """
    return [
        _fit(probabilities[:, rank], switches[:, rank] > 0)
        for rank in range(probabilities.shape[1])
    ]


def _fit(probabilities: np.ndarray, is_of_class: np.ndarray) -> FittedThreshold:
    examples = int(is_of_class.sum())
    if not examples:
        return FittedThreshold(HALF, 0, None, None)
    is_said = probabilities >= HALF
    at_half = float(2 * (is_said & is_of_class).sum() / (is_said.sum() + examples))
    order = np.argsort(-probabilities, kind="stable")
    ranked, found = probabilities[order], np.cumsum(is_of_class[order])
    f1 = 2 * found / (np.arange(1, len(ranked) + 1) + examples)
    below = np.append(ranked[1:], 0.0)
    # A threshold lies between two probabilities: equal ones are said together. It is
    # in the middle, so that the rounding of an export changes no answer; of neighbours
    # the middle is one of the two.
    middles = (ranked + below) / 2
    middles = np.where(middles > below, middles, ranked).clip(_LEAST, _MOST)
    cuts = np.flatnonzero((below < middles) & (middles <= ranked))
    if not len(cuts):
        return FittedThreshold(HALF, examples, at_half, at_half)
    # Of equally good ones the nearest to a half.
    best = cuts[np.lexsort((np.abs(middles - HALF)[cuts], -f1[cuts]))[0]]
    return FittedThreshold(float(middles[best]), examples, at_half, float(f1[best]))
