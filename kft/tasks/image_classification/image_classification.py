"""Image classification."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from kft.backbones.image import image_table
from kft.backbones.image.image_backbone import Backbone
from kft.config import TrainConfig
from kft.data.image import crops, mirror, resize
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import class_labels
from kft.tasks.image_classification import (
    image_network,
    image_recipe,
    own_backbone,
)
from kft.tasks.image_classification.image_display import ImageDisplay
from kft.tasks.image_classification.image_inputs import ImageInputs
from kft.tasks.image_classification.image_serving import ImageServing
from kft.tasks.task_kind import RecipeChoice
from kft.tasks.views import Views


def build(
    config: TrainConfig, labels: LabelMap, run: RunDir | None = None
) -> "ImageClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    backbone = image_table.of(config, own_backbone.kept(config, run))
    thresholds = class_labels.kept(config, labels, run)
    return ImageClassification(config, labels, backbone, thresholds)


class ImageClassification:
    """Images in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: TrainConfig,
        labels: LabelMap,
        backbone: Backbone,
        thresholds: np.ndarray | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            backbone: of the network.
            thresholds: see `class_labels.of`.
        """
        self._config = config
        self._backbone = backbone
        self._thresholds = thresholds
        self.labels = labels
        self.inputs = ImageInputs(config, len(labels), backbone)
        self.objective, answers = class_labels.of(
            config, labels, thresholds, smoothing=config.label_smoothing
        )
        self.serving = ImageServing(config, answers, image_size=self.inputs.image_size)
        self.display = ImageDisplay(answers)

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return what suits the sizes of some images; see `kft.tasks.task.Task`."""
        side = image_recipe.median_side(sample)
        return image_recipe.choose(self._config, side, given, backbone=self._backbone)

    def enlarged(self) -> "ImageClassification":
        """Return the task that reads more of an image than the network sees at once.

        Its squares are larger by 1 / `resize.CROP_SHARE`. Where the network sees the
        part of the image that `crop` leaves, it is the middle of such a square.
        """
        size = round(self.inputs.image_size / resize.CROP_SHARE)
        method = self._config.resize
        config = dataclasses.replace(
            self._config,
            image_size=size,
            resize="square" if method == "crop" else method,
        )
        return ImageClassification(
            config, self.labels, self._backbone, self._thresholds
        )

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from pixels [batch, size, size, 3], 0-255, to logits."""
        return image_network.build(
            self._config,
            self._backbone,
            image_size=self.inputs.image_size,
            num_classes=len(self.labels),
            weights=self._config.weights if weights is None else weights,
        )


def views(task: "ImageClassification", name: str) -> Views:
    """Return the views of an image by their name.

    `flip` is the image as it is, and its mirror image. `five_crop` is its middle and
    its four corners, each with 0.875 of the side (AlexNet: Krizhevsky, Sutskever and
    Hinton, NIPS 2012, section 4.1, without the mirror images).
    """
    if name == "flip":
        return Views(task, (lambda images: images, mirror.mirrored))
    larger, size = task.enlarged(), task.inputs.image_size
    return Views(larger, crops.corners_and_middle(larger.inputs.image_size, size))


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> ImageClassification:
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the classes, in index order.
        metadata: see `ImageServing.metadata`.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    names = ("image_size", "resize", "max_pixels")
    thresholds = class_labels.of_export(metadata)
    config = TrainConfig(
        multi_label=thresholds is not None,
        **{name: metadata[name] for name in names},
    )
    backbone = image_table.get(config.backbone)
    return ImageClassification(config, labels, backbone, thresholds)
