"""Probabilities and ranks out of logits, in plain NumPy."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 probabilities over the last axis."""
    return np.asarray(np.exp(log_softmax(logits)))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 log probabilities over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def cross_entropies(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the cross entropy of each row in nats, float64 [n].

    Args:
        logits: [n, classes].
        labels: [n], class ids.
    """
    return np.asarray(-log_softmax(logits)[np.arange(len(labels)), labels])


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of `cross_entropies`, of at least one row."""
    return float(cross_entropies(logits, labels).mean())


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return float64 probabilities, each of its own."""
    wide = logits.astype(np.float64)
    # Of what is not positive alone, so that nothing overflows.
    small = np.exp(-np.abs(wide))
    return np.asarray(np.where(wide >= 0, 1.0, small) / (1.0 + small))


def binary_cross_entropy(logits: np.ndarray, switches: np.ndarray) -> np.ndarray:
    """Return the cross entropy of each switch in nats, float64.

    Args:
        logits: [...].
        switches: likewise, 0 or 1, or a share in between.
    """
    wide = logits.astype(np.float64)
    softplus = np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide)))
    return np.asarray(softplus - wide * switches)


def same_class(own: np.ndarray, found: np.ndarray) -> float:
    """Return the share of answers in which both name the same class, in [0, 1].

    Args:
        own: scores, [..., classes]; zeros where there is no answer.
        found: likewise, of the same examples.
    """
    same = own.argmax(axis=-1) == found.argmax(axis=-1)
    return float(same[own.any(axis=-1)].mean())


def top_classes(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the class ids of the k largest scores [n, k], largest first.

    Of equal scores the lower class id comes first, as with `argmax`.
    """
    return np.argsort(-scores, axis=-1, kind="stable")[:, :k]
