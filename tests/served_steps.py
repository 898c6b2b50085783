"""What leaves a run of a task that is none of kft's: sequences, a label for every step.

A payload is the text of numbers with commas between them, and a step is `rising` or
`falling`. Numbers are read once (`prepare`), and inputs are two tensors of any length.
"""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from kft import errors
from kft.config.stages import Blocks
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation.load_run import LoadedRun
from kft.metrics import scores
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import decode_requests
from kft.tasks.metric import Metric
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint

NAME = "served_steps"
LABELS = LabelMap(("falling", "rising"))
STEPS = {"values": tf.TensorSpec([None, None], tf.float32)}
STEPS["is_real"] = tf.TensorSpec([None, None], tf.float32)


class Inputs:
    """Numbers, and ones for the steps that are real."""

    spec: ClassVar = {name: tf.TensorSpec([None], tf.float32) for name in STEPS}
    boundaries = (4, 8, 16)

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return numbers for text; raises DataError for text that has none."""
        del training
        texts = examples.read(tf.constant(examples.rows)).numpy()
        prepared = []
        for id_, text in zip(examples.ids, texts, strict=True):
            try:
                prepared.append(np.array(text.split(b","), np.float32).tobytes())
            except ValueError as error:
                raise errors.DataError(f"{id_}: no numbers: {error}") from error
        stored = tf.constant(prepared, tf.string, shape=[len(prepared)])
        return Examples(
            ids=examples.ids,
            labels=examples.labels,
            rows=np.arange(len(prepared)),
            read=lambda rows: tf.gather(stored, rows),
        )

    def preprocess(self, *, training: bool):
        def decode(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            values = tf.io.decode_raw(payload, tf.float32)
            return {"values": values, "is_real": tf.ones_like(values)}

        return decode


class Serving:
    """A class for every step. See `kft.tasks.task.Serving`."""

    file_endings = (".steps",)
    file_reader = None
    request_columns = ()
    scores = "step_probabilities"
    activation = None
    answer_fields: Mapping[str, tuple[str, ...]] = {"steps": (), "rising": ()}

    def companions(self) -> Mapping[str, bytes]:
        return {}

    def network_scores(
        self, outputs: np.ndarray, inputs: dict[str, np.ndarray], *, temperature: float
    ) -> np.ndarray:
        return scores.softmax(outputs / temperature) * inputs["is_real"][..., None]

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        return scores.same_class(own, found)

    def endpoints(
        self, model: keras.Model, *, temperature: float
    ) -> dict[str, Endpoint]:
        def of_tensors(values: tf.Tensor, is_real: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = model({"values": values, "is_real": is_real}, training=False)
            found = tf.nn.softmax(logits / temperature)
            found *= tf.expand_dims(is_real, -1)
            return {self.scores: found, "steps": tf.reduce_sum(is_real, axis=1)}

        def decode(request: tf.Tensor) -> dict[str, tf.Tensor]:
            values = tf.strings.to_number(tf.strings.split(request, ","))
            return {"values": values, "is_real": tf.ones_like(values)}

        def of_text(text: tf.Tensor) -> dict[str, tf.Tensor]:
            blank = {name: tf.zeros([0]) for name in STEPS}
            inputs, valid = decode_requests.decode_all(text, decode, blank)
            return {**of_tensors(**inputs), "valid": valid}

        example = {name: np.ones([1, 3], np.float32) for name in STEPS}
        request = {"text": np.array([b"1,2,3"], object)}
        return {
            "serving_default": Endpoint(
                of_text, {"text": tf.TensorSpec([None], tf.string)}, request
            ),
            "numbers": Endpoint(of_tensors, STEPS, example),
        }

    def metadata(self) -> dict[str, Any]:
        return {"separator": ","}

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        rows = outputs[self.scores]
        ids = rows[rows.any(axis=-1)].argmax(axis=-1)
        numbers = payload.decode().split(",")
        assert len(ids) == len(numbers)  # nothing of the padding is among them
        return {
            "steps": [LABELS.names[index] for index in ids],
            "rising": " ".join(n for n, i in zip(numbers, ids, strict=True) if i),
        }

    def card(self) -> CardText:
        return CardText(what="step tagger", purpose="Says where numbers rise")

    def page(self) -> PageText:
        return PageText(
            title="Where do they rise?",
            prompt="Drop numbers here",
            accept=".steps",
            text_prompt="Numbers, with commas between them",
        )


class Task:
    """The half that goes into an export, with a network."""

    labels = LABELS
    inputs = Inputs()
    serving = Serving()
    objective = types.SimpleNamespace(
        target_spec=tf.TensorSpec([None], tf.int32), monitor=Metric("f1")
    )


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> Task:
    assert labels == LABELS
    assert metadata["separator"] == ","
    return Task()


def network() -> Network:
    """Return a network that sees a step and the one before it, and no padding."""
    keras.utils.set_random_seed(0)
    values = keras.Input([None], name="values")
    is_real = keras.Input([None], name="is_real")
    x = keras.layers.Reshape([-1, 1])(keras.layers.Multiply()([values, is_real]))
    x = keras.layers.Conv1D(4, 2, padding="causal", activation="relu", name="conv")(x)
    logits = keras.layers.Dense(2, name="logits")(x)
    model = keras.Model({"values": values, "is_real": is_real}, logits)
    return Network(model, Blocks((), ()), anchors={}, head_anchor="conv")


def loaded_run(folder: Path) -> LoadedRun:
    """Return a run that never was."""
    config = types.SimpleNamespace(
        task=NAME, backbone="conv", dataset="numbers", is_multi_label=False
    )
    return LoadedRun(config, RunDir(folder), LABELS, Task(), network(), devices=None)


def examples(count: int) -> Examples:
    """Return sequences of 1 to 12 numbers."""
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=1 + 5 * i % 12).round(3) for i in range(count)]
    texts = tf.constant([",".join(map(str, row)) for row in rows])
    return Examples(
        ids=np.array([f"sequence {i}" for i in range(count)]),
        labels=Ragged.from_rows([(np.diff(row, prepend=0) > 0) * 1 for row in rows]),
        rows=np.arange(count),
        read=lambda rows: tf.gather(texts, rows),
    )
