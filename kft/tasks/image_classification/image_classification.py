"""Single-label image classification."""

import io
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from kft import backbones
from kft.config import RunConfig, augmentations
from kft.data.epoch_plan import Mix
from kft.data.image import augment, contact_sheet, mixup
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks.image_classification import image_network
from kft.tasks.task import Preprocess

_MAGIC = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp"}


class ImageClassification:
    """Images in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(self, config: RunConfig, labels: LabelMap) -> None:
        self.labels = labels
        self._config = config

    @property
    def image_size(self) -> int:
        """Return the side of the square that the network sees, in pixels."""
        backbone = backbones.get(self._config.backbone)
        return self._config.image_size or backbone.image_size

    @property
    def is_augmented(self) -> bool:
        """Return whether a training image differs from epoch to epoch."""
        return bool(augmentations.parse(self._config.augment))

    def input_facts(self) -> dict[str, Any]:
        """Return what decides the pixels that the network sees."""
        config = self._config
        facts = {"size": self.image_size, "resize": config.resize}
        if self.is_augmented:
            facts.update({"augment": config.augment, "seed": config.seed})
        return facts

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from pixels [batch, size, size, 3], 0-255, to logits."""
        return image_network.build(
            self._config,
            image_size=self.image_size,
            num_classes=len(self.labels),
            weights=self._config.weights if weights is None else weights,
        )

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (encoded image, key) -> uint8 [size, size, 3]."""
        config, size = self._config, self.image_size

        def for_evaluation(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            del key
            return augment.eval_image(payload, config=config, size=size)

        def for_training(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            return augment.train_image(payload, key, config=config, size=size)

        if training and self.is_augmented:
            return for_training
        return for_evaluation

    def mix(self) -> Mix | None:
        """Return how pairs of images are mixed, if `--augment` says so."""
        chosen = augmentations.parse(self._config.augment)
        size = self.image_size
        return mixup.mix(chosen, num_classes=len(self.labels), size=size)

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded image, by its first bytes."""
        for magic, ending in _MAGIC.items():
            if payload.startswith(magic):
                return ending
        return ".webp" if payload[8:12] == b"WEBP" else ""

    def shorter_side(self, payload: bytes) -> int | None:
        """Return the shorter side of an encoded image, in pixels; None if broken."""
        try:
            with Image.open(io.BytesIO(payload)) as image:
                return min(image.size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None

    def contact_sheet(self, inputs: np.ndarray, captions: Sequence[str]) -> bytes:
        """Return a PNG of images, uint8 [n, size, size, 3], in a grid."""
        return contact_sheet.png(inputs, captions)

    def losses(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the cross entropy of each example with smoothed labels, [batch]."""
        return keras.losses.categorical_crossentropy(
            self._shares(labels),
            logits,
            from_logits=True,
            label_smoothing=self._config.label_smoothing,
        )

    def metrics(self, labels: tf.Tensor, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the plain cross entropy and the hit or miss of each example.

        Of a mixed image the share that has the predicted class counts as hit (Zhang
        et al., mixup, 2018: train.py of the authors).
        """
        shares = self._shares(labels)
        loss = keras.losses.categorical_crossentropy(shares, logits, from_logits=True)
        predicted = tf.argmax(logits, axis=-1, output_type=tf.int32)
        return {"loss": loss, "accuracy": tf.gather(shares, predicted, batch_dims=1)}

    def _shares(self, labels: tf.Tensor) -> tf.Tensor:
        """Return the shares of the classes, float32 [batch, classes]."""
        if labels.dtype.is_floating:
            return labels
        return tf.one_hot(labels, len(self.labels))
