"""What leaves a run of curves: a class for each step, for text or for numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.tasks import decode_requests
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint
from tests.tasks.rising_steps import rising_inputs

_STEPS = tf.TensorSpec([None, None], tf.float32)


class Serving:
    """Probabilities of each step. See `kft.tasks.task.Serving`."""

    file_endings = (".curve",)
    file_reader = None
    request_columns = ()
    scores = "probabilities"
    activation = None
    answer_fields: Mapping[str, Sequence[str]] = {
        "rising": ("begin", "end"),
        "steps": (),
    }

    def __init__(self, labels: LabelMap) -> None:
        self._labels = labels

    def companions(self) -> Mapping[str, bytes]:
        return {}

    def network_scores(
        self,
        outputs: np.ndarray,
        inputs: Mapping[str, np.ndarray],
        *,
        temperature: float,
    ) -> np.ndarray:
        found = scores.softmax(outputs / temperature) * inputs["mask"][..., None]
        return np.asarray(found)

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of steps with the same answer."""
        return scores.same_class(own, found)

    def endpoints(
        self, model: keras.Model, *, temperature: float
    ) -> dict[str, Endpoint]:
        def of_tensors(values: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = model({"values": values, "mask": mask}, training=False)
            probabilities = tf.nn.softmax(logits / temperature) * mask[..., None]
            return {self.scores: probabilities, "steps": tf.reduce_sum(mask, axis=1)}

        def of_text(text: tf.Tensor) -> dict[str, tf.Tensor]:
            blank = {"values": tf.zeros([0]), "mask": tf.zeros([0])}
            inputs, valid = decode_requests.decode_all(
                text, lambda one: rising_inputs.parse(one, None), blank
            )
            return {**of_tensors(**inputs), "valid": valid}

        ones = np.ones([1, 5], np.float32)
        return {
            "serving_default": Endpoint(
                of_text,
                {"text": tf.TensorSpec([None], tf.string)},
                {"text": np.array([b"1 2 3 4 5"], object)},
            ),
            "numbers": Endpoint(
                of_tensors,
                {"values": _STEPS, "mask": _STEPS},
                {"values": ones, "mask": ones},
            ),
        }

    def encode(self, value: np.ndarray) -> bytes:
        return " ".join(map(str, value.tolist())).encode()

    def made_up(self, count: int) -> list[bytes]:
        rng = np.random.default_rng(0)
        lengths = rng.integers(1, 40, count)
        return [" ".join(map(str, rng.integers(0, 9, n))).encode() for n in lengths]

    def metadata(self) -> dict[str, Any]:
        return {"separator": " "}

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        rows = outputs[self.scores][: len(payload.split())]
        found = sorted(rising_inputs.spans(rows.argmax(axis=-1) == 1))
        return {
            "rising": [{"begin": begin, "end": end} for begin, end in found[:top_k]],
            "steps": len(rows),
        }

    def card(self) -> CardText:
        return CardText(what="step tagger", purpose="Says where curves rise")

    def page(self) -> PageText:
        return PageText(
            title="Where does it rise?",
            prompt="Drop curves here",
            accept=".curve",
            text_prompt="Numbers with spaces between them",
        )
