"""Answers that name one of a few classes, of whatever kind of data."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.metrics import scores

# Classes that an export names.
TOP_K = 5
SCORES = "probabilities"
FIELDS = {"predictions": ("label", "class_id", "probability")}


@dataclasses.dataclass(frozen=True)
class ClassAnswers:
    """Probabilities of classes, and their names.

    Attributes:
        labels: the classes, in index order.
    """

    labels: LabelMap

    def probabilities(self, logits: np.ndarray, *, temperature: float) -> np.ndarray:
        """Return float64 [n, classes] of logits [n, classes]."""
        return scores.softmax(logits / temperature)

    def outputs(
        self,
        logits: tf.Tensor,
        *,
        temperature: float,
        valid: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the outputs of a signature; rows that are not valid are zeros.

        probabilities [n, classes]; class_id, class_name [n]; top_k_labels,
        top_k_class_ids, top_k_probabilities [n, k], likeliest first; valid [n].

        Args:
            logits: [n, classes].
            temperature: what they are divided by.
            valid: bool [n]; None where all are.
        """
        names = tf.constant(self.labels.names)
        probabilities = tf.nn.softmax(logits / temperature)
        if valid is not None:
            probabilities = tf.where(valid[:, None], probabilities, 0.0)
        top, ids = tf.math.top_k(probabilities, min(TOP_K, len(self.labels)))
        labels = tf.gather(names, ids)
        if valid is None:
            valid = tf.ones(tf.shape(logits)[:1], tf.bool)
        else:
            ids = tf.where(valid[:, None], ids, 0)
            labels = tf.where(valid[:, None], labels, "")
        return {
            SCORES: probabilities,
            "class_id": ids[:, 0],
            "class_name": labels[:, 0],
            "top_k_labels": labels,
            "top_k_class_ids": ids,
            "top_k_probabilities": top,
            "valid": valid,
        }

    def answer(self, outputs: Mapping[str, np.ndarray], top_k: int) -> dict[str, Any]:
        """Return `predictions`: the likeliest classes, most likely first.

        Args:
            outputs: `probabilities` [classes].
            top_k: classes that are named, at most all.
        """
        row = outputs[SCORES]
        best = scores.top_classes(row[None], top_k)[0]
        return {
            "predictions": [
                {
                    "label": self.labels.names[index],
                    "class_id": int(index),
                    "probability": float(row[index]),
                }
                for index in best
            ]
        }


class ClassServing:
    """The part of `kft.tasks.task.Serving` that all kinds of data have in common.

    Attributes:
        answers: probabilities of the classes.
    """

    def __init__(self, labels: LabelMap) -> None:
        """Serve classes; `labels` are in index order."""
        self.answers = ClassAnswers(labels)

    @property
    def request_columns(self) -> Sequence[str]:
        """Return none: a request is a file."""
        return ()

    @property
    def scores(self) -> str:
        """Return the name of the probabilities."""
        return SCORES

    @property
    def answer_fields(self) -> Mapping[str, Sequence[str]]:
        """Return those of the predictions."""
        return FIELDS

    def network_scores(
        self, outputs: np.ndarray, inputs: Any, *, temperature: float
    ) -> np.ndarray:
        """Return the probabilities of logits, float64 [n, classes]."""
        del inputs
        return self.answers.probabilities(outputs, temperature=temperature)

    def companions(self) -> Mapping[str, bytes]:
        """Return none: a few lines of code make tensors of a file."""
        return {}

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return `predictions`: label, class_id and probability of each."""
        del payload
        return self.answers.answer(outputs, top_k)
