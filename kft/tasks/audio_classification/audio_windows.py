"""What of a sound a run reads, out of its options. No TensorFlow."""

from kft.backbones.audio import audio_backbone
from kft.config import AudioClassificationConfig, ImageModelConfig, augmentations
from kft.config.audio import AUDIO_AUGMENTATIONS
from kft.config.augmentations import Augmentation
from kft.data.audio.windows import Windows


def of(config: AudioClassificationConfig) -> Windows:
    """Return the windows of a config, with room for `shift` of `--augment`.

    Raises:
        errors.ConfigError: for a backbone or an augmentation that there is not.
    """
    backbone = audio_backbone.get(config.backbone)
    shifts = {one.name: one.strength for one in augment(config)}
    return Windows(
        sample_rate=config.sample_rate or backbone.sample_rate,
        seconds=config.seconds or backbone.seconds,
        count=config.windows,
        margin=shifts.get("shift") or 0.0,
    )


def image_model(config: AudioClassificationConfig) -> ImageModelConfig:
    """Return the options of a network of images that reads spectrograms."""
    weights = "none" if config.weights == "none" else "imagenet"
    return ImageModelConfig(backbone=config.backbone, weights=weights)


def augment(config: AudioClassificationConfig) -> tuple[Augmentation, ...]:
    """Return the augmentations of `--augment`.

    Raises:
        errors.ConfigError: for what is none.
    """
    return augmentations.parse(config.augment, AUDIO_AUGMENTATIONS)
