"""Probabilities and ranks out of logits, in plain NumPy."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 probabilities over the last axis."""
    return np.asarray(np.exp(log_softmax(logits)))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return float64 log probabilities over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross entropy in nats.

    Args:
        logits: [n, classes], n at least 1.
        labels: [n], class ids.
    """
    return float(-log_softmax(logits)[np.arange(len(labels)), labels].mean())


def top_classes(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the class ids of the k largest scores [n, k], largest first.

    Of equal scores the lower class id comes first, as with `argmax`.
    """
    return np.argsort(-scores, axis=-1, kind="stable")[:, :k]
