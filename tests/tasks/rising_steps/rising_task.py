"""The half of the task with TensorFlow: its inputs, network, F1 of spans, display."""

import dataclasses
import html
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.figures import Figure
from kft.metrics.predictions import Predictions
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks.metric import Metric
from kft.tasks.task import ServedTask, Task
from kft.tasks.task_kind import RecipeChoice
from tests.tasks.rising_steps import BLOCKS, RisingConfig, rising_inputs
from tests.tasks.rising_steps.rising_inputs import Inputs
from tests.tasks.rising_steps.rising_serving import Serving


def build(config: RisingConfig, labels: LabelMap, run: RunDir | None = None) -> Task:
    """Return the task of a run."""
    return RisingSteps(config, labels)


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> ServedTask:
    """Return what an export knows of its task."""
    assert metadata["separator"] == " "
    return ServedCurves(labels)


class ServedCurves:
    """What answers without a run."""

    def __init__(self, labels: LabelMap, pad_to: int = 0) -> None:
        self.labels = labels
        self.inputs = Inputs(pad_to)
        self.serving = Serving(labels)


class Objective:
    """Cross entropy of each step; F1 of the spans of rising steps chooses."""

    target_spec = tf.TensorSpec([None], tf.int32)
    monitor = Metric("f1")
    metrics = (Metric("loss", higher_is_better=False), Metric("f1"))
    total_names = ("loss", "steps", "found", "said", "true")

    def example_weights(self, labels: np.ndarray | Ragged) -> np.ndarray:
        assert isinstance(labels, Ragged)
        return labels.lengths.astype(np.float64)

    def losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the mean over the steps of each curve."""
        losses, is_step = self._losses(targets, outputs)
        return tf.reduce_sum(losses, 1) / tf.maximum(tf.reduce_sum(is_step, 1), 1.0)

    def totals(
        self, targets: tf.Tensor, outputs: tf.Tensor, *, training: bool
    ) -> Mapping[str, tf.Tensor]:
        losses, is_step = self._losses(targets, outputs)
        answers = tf.argmax(outputs, -1, output_type=tf.int32)
        said, true = (answers == 1) & (targets >= 0), targets == 1
        return {
            "loss": tf.reduce_sum(losses, 1),
            "steps": tf.reduce_sum(is_step, 1),
            "found": _exact_spans(said, true),
            "said": _count(_starts(said)),
            "true": _count(_starts(true)),
        }

    def figures(self, totals: Mapping[str, float]) -> dict[str, float]:
        spans = max(totals["said"] + totals["true"], 1.0)
        return {
            "loss": totals["loss"] / max(totals["steps"], 1.0),
            "f1": 2 * totals["found"] / spans,
        }

    def evaluate(self, predictions: Predictions) -> "SpanFigures":
        """Return the figures again, without TensorFlow, from all answers together."""
        found = said = true = 0
        for labels, logits in zip(
            rows(predictions.labels), rows(predictions.logits), strict=True
        ):
            mine, theirs = (
                rising_inputs.spans(labels == 1),
                rising_inputs.spans(logits.argmax(-1) == 1),
            )
            found += len(mine & theirs)
            said, true = said + len(theirs), true + len(mine)
        return SpanFigures(len(predictions.ids), found, said, true)

    def fitted_files(self, predict: Callable[[], Predictions | None]) -> dict[str, str]:
        return {}

    def _losses(
        self, targets: tf.Tensor, outputs: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        is_step = tf.cast(targets >= 0, tf.float32)
        losses = keras.losses.sparse_categorical_crossentropy(
            tf.maximum(targets, 0), outputs, from_logits=True
        )
        return losses * is_step, is_step


def rows(values: np.ndarray | Ragged) -> Iterator[np.ndarray]:
    """Yield the rows."""
    return (values[row] for row in range(len(values)))


def _count(flags: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(flags, tf.float32), axis=1)


def _starts(flags: tf.Tensor) -> tf.Tensor:
    return flags & ~tf.pad(flags, [[0, 0], [1, 0]])[:, :-1]


def _exact_spans(said: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
    """Return how many spans begin and end where true ones do, [batch]."""
    begins, ends = _starts(true), true & ~tf.pad(true, [[0, 0], [0, 1]])[:, 1:]
    rank = tf.cumsum(tf.cast(begins, tf.int32), axis=1)
    is_span = begins[:, :, None] & ends[:, None, :]
    is_span &= rank[:, :, None] == rank[:, None, :]
    wrong = tf.cast(tf.pad(said ^ true, [[0, 0], [1, 1]]), tf.int32)
    before = tf.pad(tf.cumsum(wrong, axis=1), [[0, 0], [1, 0]])
    steps = tf.shape(true)[1]
    between = before[:, None, 3:] - before[:, :steps, None]
    return tf.reduce_sum(tf.cast(is_span & (between == 0), tf.float32), axis=[1, 2])


@dataclasses.dataclass(frozen=True)
class SpanFigures:
    """F1 of spans: no mean over examples."""

    examples: int
    found: int
    said: int
    true: int

    @property
    def f1(self) -> float:
        return 2 * self.found / max(self.said + self.true, 1)

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "f1": self.f1}

    def headline(self) -> tuple[Figure, ...]:
        return (Figure(name="f1", title="F1 of spans", value=self.f1, is_share=True),)

    def breakdown(self) -> None:
        return None


class Display:
    """A curve as a line, its rising steps below it."""

    explanation = ""

    def suffix(self, payload: bytes) -> str:
        return ".curve"

    def example_html(self, payload: bytes, inputs: Mapping[str, np.ndarray]) -> str:
        points = " ".join(
            f"{x},{20 - 10 * y:.1f}" for x, y in enumerate(inputs["values"])
        )
        title = html.escape(payload.decode())
        return (
            f'<svg viewBox="0 0 40 40"><title>{title}</title>'
            f'<polyline fill="none" stroke="currentColor" points="{points}"/></svg>'
        )

    def answer_html(self, payload: bytes, label: Any, scores: Any) -> str:
        return ""

    def unexplained(self, network: Network) -> str:
        return "Curves explain themselves."

    def explain(
        self, network: Network, inputs: Any, *, targets: Any, payloads: Any
    ) -> Sequence[str]:
        raise NotImplementedError

    def preview(
        self, inputs: Sequence[Mapping[str, np.ndarray]], captions: Sequence[str]
    ) -> bytes:
        return "\n".join(captions).encode()


class RisingSteps(ServedCurves):
    """Curves in, a class for each step out."""

    def __init__(self, config: RisingConfig, labels: LabelMap) -> None:
        super().__init__(labels, config.pad_to)
        self._config = config
        self.objective = Objective()
        self.display = Display()

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        return RecipeChoice("curves", {})

    def network(self, weights: str | None = None) -> Network:
        """Return stem -> 3 residual blocks -> a class for each step."""
        del weights
        width = self._config.width
        values = keras.Input([None], name="values")
        mask = keras.Input([None], name="mask")
        is_step = keras.layers.Reshape([-1, 1], name="steps")(mask)
        x = keras.layers.Reshape([-1, 1], name="column")(values)
        x = keras.layers.Multiply(name="real")([x, is_step])
        x = keras.layers.Conv1D(width, 3, padding="same", name="stem")(x)
        x = keras.layers.Multiply(name="stem_masked")([x, is_step])
        for name in BLOCKS.names:
            y = keras.layers.Conv1D(
                width, 3, padding="same", activation="relu", name=f"{name}_conv"
            )(x)
            y = keras.layers.Add(name=f"{name}_add")([x, y])
            # What stands beyond the end must not come back in at the next convolution.
            x = keras.layers.Multiply(name=f"{name}_masked")([y, is_step])
        x = keras.layers.Dropout(self._config.dropout, name="head_dropout")(x)
        logits = keras.layers.Dense(len(self.labels), name="logits")(x)
        inputs = {"values": values, "mask": mask}
        return Network(
            model=keras.Model(inputs, logits, name="rising"),
            blocks=BLOCKS,
            anchors={
                "block_1": "stem_masked",
                "block_2": "block_1_masked",
                "block_3": "block_2_masked",
            },
            head_anchor="block_3_masked",
        )
