"""ClassifierAnswers that name any number of a few classes, of whatever kind of data."""

import dataclasses
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.tasks import class_answers, classifier_answers
from kft.tasks.classifier_answers import SCORES

THRESHOLDS = "thresholds"
_FILE = "thresholds.txt"
# Zeros stand for no answer, and a probability of float32 may become one.
_LEAST = 1e-30
# Classes that a page names of one answer.
_SHOWN = 8


@dataclasses.dataclass(frozen=True, eq=False)
class MultiLabelAnswers:
    """Each class that is probable enough. See `classifier_answers.ClassifierAnswers`.

    Attributes:
        labels: the classes, in index order.
        thresholds: float64 [classes], in (0, 1): the least probability with which a
            class is said.
    """

    labels: LabelMap
    thresholds: np.ndarray

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """Return the names that are said, and the fields of predictions."""
        return {
            "labels": (),
            "predictions": ("label", "class_id", "probability", "threshold"),
        }

    @property
    def activation(self) -> str:
        """Return the one that makes each output a probability by itself."""
        return "sigmoid"

    @property
    def note(self) -> str:
        """Return that each class has a probability of its own."""
        return "One for each class, each in [0, 1] by itself."

    @property
    def which(self) -> str:
        """Return that it may be any number of them."""
        return f"which of {len(self.labels)} classes, any number of them,"

    def limits(self, whatever: str) -> Sequence[str]:
        """Return when a class is said."""
        return (
            f"It says a class where its probability reaches that of {_FILE}, the one "
            "with the best F1 of the class on the validation examples, or 0.5 where "
            f"there were none. It says none where none is so probable, {whatever}.",
        )

    @property
    def show_outputs(self) -> str:
        """Return code that prints the names of the classes that are said."""
        return 'print([name.decode() for name in answer["labels"][0].numpy() if name])'

    @property
    def show_scores(self) -> str:
        """Return code that prints the names of the classes that are said."""
        return (
            f"print([{classifier_answers.LABELS}[i] for i in "
            f'numpy.flatnonzero(answer >= numpy.loadtxt("{_FILE}"))])'
        )

    def probabilities(self, logits: np.ndarray, *, temperature: float) -> np.ndarray:
        """Return float64 [n, classes] of logits [n, classes], each above 0."""
        return np.asarray(np.maximum(scores.sigmoid(logits / temperature), _LEAST))

    def outputs(
        self,
        logits: tf.Tensor,
        *,
        temperature: float,
        valid: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the outputs of a signature; rows that are not valid are zeros.

        probabilities [n, classes]; labels [n, classes], the name of each class that is
        said, in its place, and else an empty text; top_k_labels, top_k_class_ids,
        top_k_probabilities [n, k], likeliest first; valid [n].

        Args:
            logits: [n, classes].
            temperature: what they are divided by.
            valid: bool [n]; None where all are.
        """
        probabilities = tf.maximum(tf.sigmoid(logits / temperature), _LEAST)
        found = class_answers.ranked(self.labels, probabilities, valid)
        thresholds = tf.constant(self.thresholds, tf.float32)
        is_said = found[SCORES] >= thresholds
        return {
            **found,
            "labels": tf.where(is_said, tf.constant(self.labels.names), ""),
        }

    def answer(self, outputs: Mapping[str, np.ndarray], top_k: int) -> dict[str, Any]:
        """Return `labels`, the names that are said, and `predictions`.

        These are the likeliest classes, most likely first: as many as are named in any
        case, and as many as it takes to have each that is said.

        Args:
            outputs: `probabilities` [classes].
            top_k: classes that are named in any case, at most all.
        """
        row = outputs[SCORES]
        best = scores.top_classes(row[None], len(row))[0]
        is_said = self._said(row)[best]
        shown = max(top_k, *np.flatnonzero(is_said) + 1, 0)
        return {
            "labels": tuple(self.labels.names[i] for i in best[is_said]),
            "predictions": [
                {
                    **class_answers.prediction(self.labels, row, int(i)),
                    "threshold": float(self.thresholds[i]),
                }
                for i in best[:shown]
            ],
        }

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of the classes said by either that both say; 1 for none.

        That is the Jaccard index of all examples together, so that classes which
        nobody says do not make it better.
        """
        said, also = self._said(own), self._said(found)
        either = int((said | also).sum())
        return int((said & also).sum()) / either if either else 1.0

    def metadata(self) -> dict[str, Any]:
        """Return the thresholds, in index order."""
        return {THRESHOLDS: self.thresholds.tolist()}

    def companions(self) -> dict[str, bytes]:
        """Return the thresholds, one a line, in index order."""
        return {_FILE: "".join(f"{one!r}\n" for one in self._listed).encode()}

    def answer_html(self, label: np.ndarray, logits: np.ndarray) -> str:
        """Return the classes that are right or said, as HTML.

        Bold is said, and what is said although it is wrong is struck through; the rest
        is missing.

        Args:
            label: float32 [classes].
            logits: [classes].
        """
        row = self.probabilities(logits[None], temperature=1.0)[0]
        shown = list(self._shown(label > 0, row))
        more = ", ..." if len(shown) > _SHOWN else ""
        return ", ".join(shown[:_SHOWN]) + more or "of no class, and none is said"

    def _shown(self, is_right: np.ndarray, row: np.ndarray) -> Iterator[str]:
        """Yield a class that is right or said as HTML, the wrong ones first."""
        is_said = self._said(row)
        # Mistakes first, so that none is cut off.
        order = np.argsort(is_right == is_said, kind="stable")
        for class_id in order[(is_right | is_said)[order]]:
            name = html.escape(self.labels.names[class_id])
            percent = f"{row[class_id]:.0%}"
            if not is_said[class_id]:
                yield f"{name} missed ({percent})"
            elif is_right[class_id]:
                yield f"<b>{name}</b> {percent}"
            else:
                yield f"<b><s>{name}</s></b> {percent}"

    def _said(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which classes are said, bool [..., classes]."""
        return np.asarray(probabilities >= self.thresholds)

    @property
    def _listed(self) -> list[float]:
        found: list[float] = self.thresholds.tolist()
        return found
