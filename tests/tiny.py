"""A network and a task that are small enough to train within a test."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.config import stages
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks import class_answers
from kft.tasks.class_answers import ClassAnswers
from kft.tasks.class_objective import ClassObjective
from kft.tasks.task_kind import RecipeChoice

BLOCKS = stages.Blocks(("block_1", "block_2", "block_3"), (("upper", "block_2"),))
NUM_CLASSES = 3
SHAPE = (8, 8, 3)


def network(*, dropout: float = 0.0, seed: int = 0) -> Network:
    """Return stem -> 3 residual blocks with BatchNorm -> pooling -> logits."""
    keras.utils.set_random_seed(seed)
    images = keras.Input(SHAPE, name="images")
    x = keras.layers.Rescaling(1 / 255, name="scaling")(images)
    x = keras.layers.Conv2D(4, 3, name="stem")(x)
    for name in BLOCKS.names:
        y = keras.layers.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
        y = keras.layers.BatchNormalization(name=f"{name}_bn")(y)
        y = keras.layers.ReLU(name=f"{name}_relu")(y)
        if dropout:
            y = keras.layers.Dropout(dropout, name=f"{name}_drop")(y)
        x = keras.layers.Add(name=f"{name}_add")([x, y])
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    logits = keras.layers.Dense(NUM_CLASSES, name="logits")(x)
    return Network(
        model=keras.Model(images, logits, name="tiny"),
        blocks=BLOCKS,
        anchors={
            "block_1": "stem",
            "block_2": "block_1_add",
            "block_3": "block_2_add",
        },
        head_anchor="pooling",
    )


class Inputs:
    """Noise images, whose payloads are raw pixels."""

    spec = tf.TensorSpec(SHAPE, tf.uint8)
    is_augmented = False
    boundaries = ()

    def cache_key(self) -> dict[str, Any]:
        return {"shape": SHAPE}

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        del training
        return examples

    def preprocess(self, *, training: bool):
        def decode(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            return tf.reshape(tf.io.decode_raw(payload, tf.uint8), SHAPE)

        return decode

    def mix(self) -> None:
        return None


class Serving:
    """Classes of noise."""

    file_endings = (".raw",)
    file_reader = None
    request_columns = ()
    scores = class_answers.SCORES
    activation = "softmax"
    answer_fields = class_answers.FIELDS

    def __init__(self, labels: LabelMap) -> None:
        self._answers = ClassAnswers(labels)

    def companions(self) -> Mapping[str, bytes]:
        return {}

    def network_scores(
        self, outputs: np.ndarray, inputs: np.ndarray, *, temperature: float
    ) -> np.ndarray:
        return self._answers.probabilities(outputs, temperature=temperature)

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        return self._answers.answer(outputs, top_k)


class Display:
    """What people see of noise."""

    def suffix(self, payload: bytes) -> str:
        return ".raw"

    def preview(self, inputs: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
        return "\n".join([str(np.shape(inputs)), *captions]).encode()


class Task:
    """Classification of noise images."""

    labels = LabelMap(("a", "b", "c"))

    def __init__(self, *, dropout: float = 0.0) -> None:
        self._dropout = dropout
        self.inputs = Inputs()
        self.objective = ClassObjective(self.labels)
        self.serving = Serving(self.labels)
        self.display = Display()

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        values = {"image_size": None, "augment": "flip", "cached_views": 4}
        return RecipeChoice("noise", values)

    def network(self, weights: str | None = None) -> Network:
        return network(dropout=self._dropout)


def pixels(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return n images, uint8, and their labels, int32; the mean tells the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, NUM_CLASSES, n).astype(np.int32)
    noise = rng.integers(0, 128, (n, *SHAPE))
    return (noise + labels[:, None, None, None] * 60).astype(np.uint8), labels


def examples(n: int, *, seed: int = 0) -> Examples:
    """Return n examples with random access to their pixels."""
    images, labels = pixels(n, seed=seed)
    payloads = tf.constant([image.tobytes() for image in images])
    return Examples(
        ids=np.array([f"{seed}/{i:04d}" for i in range(n)]),
        labels=labels,
        rows=np.arange(n),
        read=lambda rows: tf.gather(payloads, rows),
    )
