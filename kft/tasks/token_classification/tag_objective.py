"""Tags of words: cross entropy of each word, and entities that are found exactly."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics import f1_score
from kft.metrics.predictions import Predictions
from kft.tasks.metric import Metric
from kft.tasks.token_classification import entity_figures
from kft.tasks.token_classification.entity_figures import EntityFigures

LOSS = Metric("loss", higher_is_better=False)
F1 = Metric("f1")


class TagObjective:
    """A tag for each word. See `kft.tasks.task.Objective`.

    The outputs have a row for each word in its order, and rows of zeros behind these.
    A word that was cut has such a row, too: its answer is the first tag, O, and it has
    no part in the loss.
    """

    def __init__(self, labels: LabelMap, *, label_smoothing: float = 0.0) -> None:
        """Learn tags.

        Args:
            labels: the tags, BIO, O first.
            label_smoothing: share of a target that is given to all tags alike.
        """
        self._labels = labels
        self._label_smoothing = label_smoothing
        kinds = [tag[2:] for tag in labels.names]
        self._types = np.array([kinds.index(kind) for kind in kinds], np.int32)
        self._begins = np.array([tag.startswith("B-") for tag in labels.names])

    @property
    def target_spec(self) -> tf.TensorSpec:
        """Return that of a tag for each word."""
        return tf.TensorSpec([None], tf.int32)

    @property
    def monitor(self) -> Metric:
        """Return F1 of entities."""
        return F1

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return loss, share of right tags, and what is said of entities."""
        return (
            LOSS,
            Metric("word_accuracy"),
            Metric("precision"),
            Metric("recall"),
            F1,
        )

    @property
    def total_names(self) -> Sequence[str]:
        """Return the names of what is summed over words, and over entities."""
        return ("loss", "read", "right", "words", "found", "said", "true")

    def example_weights(self, labels: np.ndarray | Ragged) -> np.ndarray:
        """Return the number of words of each text, float64 [n]."""
        if not isinstance(labels, Ragged):
            raise ValueError("expected a tag for each word")
        return labels.lengths.astype(np.float64)

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the sum over the words that are read, by the number of all words."""
        losses, _ = self._losses(targets, outputs, self._label_smoothing)
        words = tf.math.count_nonzero(targets >= 0, axis=1, dtype=tf.float32)
        return tf.reduce_sum(losses, axis=1) / tf.maximum(words, 1.0)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> dict[str, tf.Tensor]:
        """Return what each text adds to the sums, [batch] each.

        Cross entropy and number of the words that are read; right tags and number of
        all words; entities that are found exactly, that are said, and that there are.
        """
        smoothing = self._label_smoothing if training else 0.0
        losses, is_read = self._losses(targets, outputs, smoothing)
        is_word = targets >= 0
        answers = _as_long_as(tf.argmax(outputs, -1, output_type=tf.int32), targets)
        answers = tf.where(is_word, answers, 0)
        true = tf.where(is_word, targets, 0)
        found, said, there = self._entities(answers, true)
        return {
            "loss": tf.reduce_sum(losses, axis=1),
            "read": _count(is_read),
            "right": _count(is_word & (answers == true)),
            "words": _count(is_word),
            "found": found,
            "said": said,
            "true": there,
        }

    def figures(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Return mean cross entropy in nats, and the rest in [0, 1]."""
        precision, recall, f1 = f1_score.precision_recall_f1(
            totals["found"], said=totals["said"], true=totals["true"]
        )
        return {
            "loss": totals["loss"] / max(totals["read"], 1.0),
            "word_accuracy": totals["right"] / max(totals["words"], 1.0),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    def evaluate(self, predictions: Predictions) -> EntityFigures:
        """Return the figures of all entities, for each type, and errors by kind."""
        return entity_figures.measure(predictions, self._labels.names)

    def fitted_files(
        self, predict: Callable[[], Predictions | None]
    ) -> Mapping[str, str]:
        """Return nothing: answers follow from the weights."""
        del predict
        return {}

    def _losses(
        self, targets: tf.Tensor, outputs: tf.Tensor, label_smoothing: float
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return cross entropies [batch, words], and which words are read."""
        outputs = _as_long_as(outputs, targets)
        is_read = (targets >= 0) & tf.reduce_any(outputs != 0, axis=-1)
        losses = keras.losses.categorical_crossentropy(
            tf.one_hot(targets, len(self._labels)),
            outputs,
            from_logits=True,
            label_smoothing=label_smoothing,
        )
        return tf.where(is_read, losses, 0.0), is_read

    def _entities(
        self, answers: tf.Tensor, true: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return how many entities are found, said and there, [batch] each.

        As `kft.data.text.tag_schemes.entities` counts them.
        """
        begins, goes_on, types = self._parts(answers)
        true_begins, true_goes_on, true_types = self._parts(true)
        same = begins & true_begins & (types == true_types)
        exact = same & (_next_border(goes_on) == _next_border(true_goes_on))
        return _count(exact), _count(begins), _count(true_begins)

    def _parts(self, tags: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return which words begin an entity, which go on with one, and the types."""
        types = tf.gather(self._types, tags)
        before = tf.pad(types, [[0, 0], [1, 0]])[:, :-1]
        is_begin = tf.gather(self._begins, tags) | (types != before)
        return (types != 0) & is_begin, (types != 0) & ~is_begin, types


def _as_long_as(values: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return values [batch, steps, ...] with as many steps as the targets have.

    There are fewer where words were cut; those are answered with zeros.
    """
    words = tf.shape(targets)[1]
    missing = tf.maximum(words - tf.shape(values)[1], 0)
    rest = [[0, 0]] * (values.shape.rank - 2)
    return tf.pad(values, [[0, 0], [0, missing], *rest])[:, :words]


def _next_border(goes_on: tf.Tensor) -> tf.Tensor:
    """Return for each word the first one after it that does not go on, [batch, n]."""
    words = tf.shape(goes_on)[1]
    places = tf.range(words)
    is_border = ~goes_on[:, None, :] & (places > places[:, None])
    return tf.reduce_min(tf.where(is_border, places, words), axis=2)


def _count(flags: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(flags, axis=1, dtype=tf.float32)
