"""The examples that a report shows: worst mistakes, least certain, most confused."""

import dataclasses

import numpy as np

from kft.metrics.predictions import ClassPredictions


@dataclasses.dataclass(frozen=True)
class Pair:
    """Examples of one class that are taken for another.

    Attributes:
        label: class id that is right.
        answer: class id that is said.
        examples: how many.
        of: examples of the class in all.
        positions: some of them, those that are taken so most surely first.
    """

    label: int
    answer: int
    examples: int
    of: int
    positions: tuple[int, ...]


def worst_mistakes(predictions: ClassPredictions, count: int) -> np.ndarray:
    """Return the positions of up to `count` mistakes, those with most loss first."""
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    rows = predictions.probabilities[wrong]
    own = rows[np.arange(len(wrong)), predictions.labels[wrong]]
    return wrong[np.argsort(own, kind="stable")[:count]]


def least_certain(predictions: ClassPredictions, count: int) -> np.ndarray:
    """Return the positions of up to `count` examples, least sure of its answer first.

    Right answers and wrong ones.
    """
    confidence = predictions.probabilities.max(axis=-1)
    return np.argsort(confidence, kind="stable")[:count]


def confused_pairs(
    predictions: ClassPredictions, *, pairs: int, examples: int
) -> tuple[Pair, ...]:
    """Return the pairs of classes that are mixed up most often, most often first.

    Args:
        predictions: of all examples.
        pairs: most pairs.
        examples: most positions in each.
    """
    labels, answers = predictions.labels, predictions.predicted
    wrong = np.flatnonzero(answers != labels)
    keys = np.stack([labels[wrong], answers[wrong]], axis=-1)
    found, counts = np.unique(keys, axis=0, return_counts=True)
    sizes = np.bincount(labels)
    surest_first = wrong[np.argsort(-_confidence(predictions)[wrong], kind="stable")]
    chosen = np.argsort(-counts, kind="stable")[:pairs]
    return tuple(
        Pair(
            label=int(label),
            answer=int(answer),
            examples=int(count),
            of=int(sizes[label]),
            positions=tuple(
                int(i)
                for i in surest_first
                if labels[i] == label and answers[i] == answer
            )[:examples],
        )
        for (label, answer), count in zip(found[chosen], counts[chosen], strict=True)
    )


def _confidence(predictions: ClassPredictions) -> np.ndarray:
    return np.asarray(predictions.probabilities.max(axis=-1))
