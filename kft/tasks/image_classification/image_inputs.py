"""The way from an encoded image to the square that the network sees."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kft.backbones.image.image_backbone import Backbone
from kft.config import TrainConfig, augmentations
from kft.data.epoch_plan import Mix
from kft.data.examples import Examples
from kft.data.image import augment, mixup
from kft.tasks.task import Preprocess


class ImageInputs:
    """Images of any size and format, as squares. See `kft.tasks.task.Inputs`."""

    def __init__(
        self, config: TrainConfig, num_classes: int, backbone: Backbone
    ) -> None:
        """Read the options.

        Args:
            config: of the run.
            num_classes: for labels that are mixed.
            backbone: of the network.
        """
        self._config = config
        self._num_classes = num_classes
        self._backbone = backbone

    @property
    def image_size(self) -> int:
        """Return the side of the square that the network sees, in pixels."""
        return self._config.image_size or self._backbone.image_size

    @property
    def spec(self) -> tf.TensorSpec:
        """Return that of a square: RGB, 0-255."""
        return tf.TensorSpec([self.image_size, self.image_size, 3], tf.uint8)

    @property
    def is_augmented(self) -> bool:
        """Return whether a training image differs from epoch to epoch."""
        return bool(augmentations.parse(self._config.augment))

    @property
    def boundaries(self) -> Sequence[int]:
        """Return none: all inputs have one shape."""
        return ()

    def cache_key(self) -> dict[str, Any]:
        """Return what decides the pixels that the network sees, and which it is."""
        config, own, vit = self._config, self._backbone.own, self._backbone.vit
        facts: dict[str, Any] = {"size": self.image_size, "resize": config.resize}
        if own is not None:
            # Others may have the same weights, and compute something else with them.
            facts["network"] = [own.source.digest, own.scaling]
        if vit is not None:
            facts["network"] = [repr(vit.config), repr(vit.scaling)]
        if self.is_augmented:
            facts.update({"augment": config.augment, "seed": config.seed})
        return facts

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples as they are: images are decoded when they are read."""
        del training
        return examples

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
        return mixup.mix(chosen, num_classes=self._num_classes, size=self.image_size)
