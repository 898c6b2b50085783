"""A network as it is served: labels, decoding and probabilities inside its graph."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data.examples import TRAIN
from kft.data.image import decode, resize
from kft.evaluation import run_split
from kft.evaluation.load_run import LoadedRun
from kft.exporters import samples
from kft.metrics.calibration import Calibration

TOP_K = 5


@dataclasses.dataclass(frozen=True)
class ServingModel:
    """What every exporter writes, in its own way.

    Attributes:
        run: the run; its model computes in float32.
        image_size: side of the images that the network sees, in pixels.
        read: an encoded image (tf.string []) -> uint8 [size, size, 3], by ops of
            TensorFlow alone.
        training_images: n -> uint8 [n or fewer, size, size, 3], training examples.
        calibration: of the run; None for probabilities as the network gives them.
    """

    run: LoadedRun
    image_size: int
    read: Callable[[tf.Tensor], tf.Tensor]
    training_images: Callable[[int], np.ndarray]
    calibration: Calibration | None = None

    @property
    def temperature(self) -> float:
        """Return what the logits are divided by.

        It makes the probabilities honest, and does not change which class is likeliest.
        """
        return 1.0 if self.calibration is None else self.calibration.temperature

    @property
    def preprocessing(self) -> dict[str, Any]:
        """Return how an encoded image becomes the input `images`, for JSON.

        image_size in pixels; resize as `kft.data.image.resize` has it, with crop_share;
        max_pixels of the largest image that is decoded; temperature, which the
        probabilities have inside already.
        """
        return {
            "image_size": self.image_size,
            "resize": self.run.config.resize,
            "crop_share": resize.CROP_SHARE,
            "max_pixels": self.run.config.max_pixels,
            "temperature": self.temperature,
        }

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Return float32 [n, classes] for uint8 [n, size, size, 3]."""
        # Without training=False, layers whose default is True would augment (keras
        # 3.15.1, BaseImagePreprocessingLayer).
        logits = self.run.model(images, training=False)
        return tf.nn.softmax(logits / self.temperature)

    def answer(self, images: tf.Tensor, valid: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the outputs of a signature; rows that are not valid are zeros.

        probabilities [n, classes]; class_id, class_name [n]; top_k_labels,
        top_k_class_ids, top_k_probabilities [n, k], likeliest first; valid [n].
        """
        names = tf.constant(self.run.labels.names)
        probabilities = self.probabilities(images)
        probabilities = tf.where(valid[:, None], probabilities, 0.0)
        k = min(TOP_K, len(self.run.labels))
        top, ids = tf.math.top_k(probabilities, k)
        ids = tf.where(valid[:, None], ids, 0)
        labels = tf.where(valid[:, None], tf.gather(names, ids), "")
        return {
            "probabilities": probabilities,
            "class_id": ids[:, 0],
            "class_name": labels[:, 0],
            "top_k_labels": labels,
            "top_k_class_ids": ids,
            "top_k_probabilities": top,
            "valid": valid,
        }

    def answer_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the outputs for uint8 [n, size, size, 3]."""
        return self.answer(images, tf.ones(tf.shape(images)[:1], tf.bool))

    def answer_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the outputs for encoded images, tf.string [n]."""
        return self.answer(*self.read_all(image_bytes))

    def read_all(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return uint8 [n, size, size, 3] and bool [n]: which could be read.

        A TensorFlow graph cannot catch the error of an op, but its data sets can leave
        out the elements that fail.
        """
        count = tf.size(image_bytes, tf.int64)
        blank = tf.zeros([self.image_size, self.image_size, 3], tf.uint8)
        images = (
            tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
            .map(
                lambda position, payload: (position, self.read(payload)),
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
            .ignore_errors()
        )
        # The blank one at the end stands for all that failed, and a batch needs one.
        positions, images = (
            images.concatenate(tf.data.Dataset.from_tensors((count, blank)))
            .batch(count + 1)
            .get_single_element()
        )
        read = tf.size(positions, tf.int64) - 1
        sources = tf.tensor_scatter_nd_update(
            tf.fill([count + 1], read),
            positions[:, None],
            tf.range(read + 1),
        )[:count]
        return tf.gather(images, sources), sources < read


def serve(run: LoadedRun, *, calibration: Calibration | None = None) -> ServingModel:
    """Return what exporters write, for a run whose model computes in float32."""
    size, method = run.task.inputs.image_size, run.config.resize

    def read(payload: tf.Tensor) -> tf.Tensor:
        image = decode.decode_in_graph(payload, max_pixels=run.config.max_pixels)
        return resize.resize(image, size=size, method=method)

    def training_images(count: int) -> np.ndarray:
        sample = samples.spread(run_split.of_split(run, TRAIN), count)
        return samples.load(run, sample).images

    return ServingModel(run, size, read, training_images, calibration)
