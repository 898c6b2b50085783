"""What the answers of classifiers have to say, whatever kind of data they are about."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap

# The output of a classifier that has its scores.
SCORES = "probabilities"
# Of the code on a model card: the names of the classes.
LABELS = 'pathlib.Path("labels.txt").read_text(encoding="utf-8").split("\\n")'


class ClassifierAnswers(Protocol):
    """Probabilities of classes, and what is said by them: one class, or several."""

    @property
    def labels(self) -> LabelMap:
        """Return the classes, in index order."""

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """Return the keys of `answer`, as `Serving.answer_fields` has them."""

    @property
    def activation(self) -> str:
        """Return the Keras activation that makes the probabilities of logits."""

    @property
    def note(self) -> str:
        """Return what the probabilities are, a sentence."""

    @property
    def which(self) -> str:
        """Return how many of how many classes are said, to follow `says`."""

    def limits(self, whatever: str) -> Sequence[str]:
        """Return sentences on what an answer does not mean.

        Args:
            whatever: words such as "whatever there is", to follow "it answers".
        """

    @property
    def show_outputs(self) -> str:
        """Return code that prints `answer`; see `SnippetCode.show_outputs`."""

    @property
    def show_scores(self) -> str:
        """Return code that prints `answer`; see `SnippetCode.show_scores`."""

    def probabilities(self, logits: np.ndarray, *, temperature: float) -> np.ndarray:
        """Return float64 [n, classes] of logits [n, classes]."""

    def outputs(
        self,
        logits: tf.Tensor,
        *,
        temperature: float,
        valid: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the outputs of a signature, `SCORES` and `valid` among them.

        Rows that are not valid are zeros, and only these.

        Args:
            logits: [n, classes].
            temperature: what they are divided by.
            valid: bool [n]; None where all are.
        """

    def answer(self, outputs: Mapping[str, np.ndarray], top_k: int) -> dict[str, Any]:
        """Return the answer for an example, see `Serving.answer`.

        Args:
            outputs: `SCORES` [classes].
            top_k: alternatives that are named, at most all classes.
        """

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of what is said that is the same; see `Serving.agreement`.

        Args:
            own: probabilities, [n, classes].
            found: likewise, of the same examples.
        """

    def metadata(self) -> dict[str, Any]:
        """Return what an export needs besides labels to give these answers."""

    def companions(self) -> dict[str, bytes]:
        """Return files that make answers of the scores of an export."""

    def answer_html(self, label: np.ndarray, logits: np.ndarray) -> str:
        """Return what is right and what is said, see `Display.answer_html`.

        Args:
            label: a class id, or float32 [classes].
            logits: [classes].
        """
