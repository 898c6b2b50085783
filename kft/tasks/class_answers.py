"""ClassifierAnswers that name one of a few classes, of whatever kind of data."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.tasks import classifier_answers
from kft.tasks.classifier_answers import SCORES, ClassifierAnswers

# Classes that an export names.
TOP_K = 5
FIELDS = {"predictions": ("label", "class_id", "probability")}


@dataclasses.dataclass(frozen=True)
class ClassAnswers:
    """One class for each example. See `kft.tasks.classifier_answers.ClassifierAnswers`.

    Attributes:
        labels: the classes, in index order.
    """

    labels: LabelMap

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """Return those of the predictions."""
        return FIELDS

    @property
    def activation(self) -> str:
        """Return the one whose outputs sum to 1."""
        return "softmax"

    @property
    def note(self) -> str:
        """Return that the probabilities share what there is."""
        return "One for each class; they sum to 1."

    @property
    def which(self) -> str:
        """Return that it is one of the classes."""
        return f"which of {len(self.labels)} classes"

    def limits(self, whatever: str) -> Sequence[str]:
        """Return that there is always an answer."""
        return (f"It answers with one of its classes {whatever}.",)

    @property
    def show_outputs(self) -> str:
        """Return code that prints the likeliest class."""
        return (
            'print(answer["class_name"][0].numpy().decode(), '
            'answer["top_k_probabilities"][0, 0].numpy())'
        )

    @property
    def show_scores(self) -> str:
        """Return code that prints the likeliest class."""
        return f"print({classifier_answers.LABELS}[answer.argmax()], answer.max())"

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
        probabilities = tf.nn.softmax(logits / temperature)
        found = ranked(self.labels, probabilities, valid)
        return {
            **found,
            "class_id": found["top_k_class_ids"][:, 0],
            "class_name": found["top_k_labels"][:, 0],
        }

    def answer(self, outputs: Mapping[str, np.ndarray], top_k: int) -> dict[str, Any]:
        """Return `predictions`: the likeliest classes, most likely first.

        Args:
            outputs: `probabilities` [classes].
            top_k: classes that are named, at most all.
        """
        row = outputs[SCORES]
        best = scores.top_classes(row[None], top_k)[0]
        return {"predictions": [prediction(self.labels, row, int(i)) for i in best]}

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of answers in which both name the same class."""
        return scores.same_class(own, found)

    def metadata(self) -> dict[str, Any]:
        """Return nothing: the likeliest class is the answer."""
        return {}

    def companions(self) -> dict[str, bytes]:
        """Return nothing, likewise."""
        return {}

    def answer_html(self, label: np.ndarray, logits: np.ndarray) -> str:
        """Return nothing: the names of the classes say it."""
        del label, logits
        return ""


def prediction(labels: LabelMap, row: np.ndarray, class_id: int) -> dict[str, Any]:
    """Return what an answer says of one class, of whose probabilities a row is."""
    return {
        "label": labels.names[class_id],
        "class_id": class_id,
        "probability": float(row[class_id]),
    }


def ranked(
    labels: LabelMap, probabilities: tf.Tensor, valid: tf.Tensor | None
) -> dict[str, tf.Tensor]:
    """Return probabilities, and the likeliest classes of each row.

    As `ClassAnswers.outputs` has them: probabilities, top_k_*, valid.

    Args:
        labels: the classes.
        probabilities: [n, classes].
        valid: bool [n]; None where all are.
    """
    names = tf.constant(labels.names)
    if valid is not None:
        probabilities = tf.where(valid[:, None], probabilities, 0.0)
    top, ids = tf.math.top_k(probabilities, min(TOP_K, len(labels)))
    top_labels = tf.gather(names, ids)
    if valid is None:
        valid = tf.ones(tf.shape(probabilities)[:1], tf.bool)
    else:
        ids = tf.where(valid[:, None], ids, 0)
        top_labels = tf.where(valid[:, None], top_labels, "")
    return {
        SCORES: probabilities,
        "top_k_labels": top_labels,
        "top_k_class_ids": ids,
        "top_k_probabilities": top,
        "valid": valid,
    }


class ClassServing:
    """The part of `kft.tasks.task.Serving` that all kinds of data have in common.

    Attributes:
        answers: probabilities of the classes, and what is said by them.
    """

    def __init__(self, answers: ClassifierAnswers) -> None:
        """Serve classes."""
        self.answers = answers

    @property
    def file_reader(self) -> Callable[[str], bytes] | None:
        """Return none: all of a file is read."""
        return None

    @property
    def request_columns(self) -> Sequence[str]:
        """Return none: a request is a file."""
        return ()

    @property
    def scores(self) -> str:
        """Return the name of the probabilities."""
        return SCORES

    @property
    def activation(self) -> str:
        """Return that of the answers."""
        return self.answers.activation

    @property
    def answer_fields(self) -> Mapping[str, Sequence[str]]:
        """Return those of the answers."""
        return self.answers.fields

    def network_scores(
        self, outputs: np.ndarray, inputs: Any, *, temperature: float
    ) -> np.ndarray:
        """Return the probabilities of logits, float64 [n, classes]."""
        del inputs
        return self.answers.probabilities(outputs, temperature=temperature)

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of what is said that is the same."""
        return self.answers.agreement(own, found)

    def companions(self) -> Mapping[str, bytes]:
        """Return what the answers need: a few lines of code make tensors of a file."""
        return self.answers.companions()

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return what the classes are, see `ClassifierAnswers.answer`."""
        del payload
        return self.answers.answer(outputs, top_k)
