"""Classification of sounds: a label for each, out of a fixed set.

This half of the task needs no TensorFlow; the other is in `audio_classification.py`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from kft import errors
from kft.backbones.audio import audio_backbone, audio_weights
from kft.backbones.audio.audio_backbone import AudioBackbone
from kft.backbones.image import image_table
from kft.config import AudioClassificationConfig, augmentations, stages
from kft.config.stages import Blocks
from kft.data.audio import audio_sources, inline_sounds, silence
from kft.data.audio.audio_extra import AUDIO
from kft.data.examples import Splits
from kft.tasks.audio_classification import audio_windows
from kft.tasks.task_kind import MemoryAdvice, TaskKind, Values


def _blocks(config: AudioClassificationConfig) -> Blocks | None:
    try:
        return audio_backbone.get(config.backbone).blocks
    except errors.ConfigError:
        return None


def _check(config: AudioClassificationConfig) -> None:
    """Check the packages that sounds need, the network and the augmentation.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    missing = AUDIO.problem(config.task)
    errors.check_all(config, (_check_network, _check_augment), also=missing)


def _check_network(config: AudioClassificationConfig) -> None:
    backbone = audio_backbone.get(config.backbone)
    problems = [*_problems(config, backbone)]
    try:
        audio_weights.check(backbone, config.weights)
    except errors.ConfigError as error:
        problems.append(str(error))
    if backbone.is_of_images:
        try:
            image_table.check(audio_windows.image_model(config), None)
        except errors.ConfigError as error:
            problems.append(str(error))
        _caution(config)
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _problems(config: AudioClassificationConfig, backbone: AudioBackbone) -> list[str]:
    problems = []
    least, most = backbone.min_seconds, backbone.max_seconds
    if config.seconds is not None and not least <= config.seconds <= most:
        problems.append(
            f"--seconds: {backbone.name} reads {least:.3g} to {most:g} s, received "
            f"{config.seconds:g}."
        )
    rate = backbone.sample_rate
    is_fixed = not backbone.is_of_images
    if is_fixed and config.sample_rate not in (None, rate):
        problems.append(
            f"--sample_rate: {backbone.name} reads {rate} samples per second, received "
            f"{config.sample_rate}. Leave it out: every sound is resampled."
        )
    if config.windows > 1 and not backbone.reads_windows:
        problems.append(
            f"--windows: {backbone.name} reads one window of a sound, received "
            f"{config.windows}. Use a longer --seconds."
        )
    return problems


def _caution(config: AudioClassificationConfig) -> None:
    """Say what a frozen network of images is worth."""
    if config.weights != "none" and config.stages.startswith(stages.HEAD):
        logging.warning(
            "--stages=%s: %s was trained on images, and as long as it is frozen it "
            "knows nothing of speech (accuracy on spoken digits 0.35, where "
            "SpeechEmbedding has 0.97). Let all of it train from the start, such as "
            "--stages=all:10@1e-2.",
            *(config.stages, config.backbone),
        )


def _check_augment(config: AudioClassificationConfig) -> None:
    mixes = augmentations.mixes(audio_windows.augment(config))
    given = {
        "cached_views": config.cached_views,
        "feature_cache": config.feature_cache,
    }
    problems = [
        f"--{name}={value}: mixup of --augment needs two sounds at a time, and stored "
        "features are of one: leave it out."
        for name, value in given.items()
        if mixes and value not in (None, "auto", "off")
    ]
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _memory_advice(config: AudioClassificationConfig) -> MemoryAdvice:
    return MemoryAdvice(
        f"--seconds={config.seconds}",
        ("a smaller --seconds, or fewer --windows: what is read of each sound",),
    )


def _encode(value: Any, config: AudioClassificationConfig) -> bytes:
    """Return samples, at the rate that the network reads, as a WAV file."""
    rate = config.sample_rate or audio_backbone.get(config.backbone).sample_rate
    return inline_sounds.encode(np.asarray(value), rate)


def _cautions(config: AudioClassificationConfig, splits: Splits) -> Iterator[str]:
    return silence.cautions(splits, audio_windows.of(config).parts)


KIND = TaskKind(
    name="audio_classification",
    summary="say which of some classes a sound is of",
    config_class=AudioClassificationConfig,
    sources=audio_sources.sources(audio_windows.of),
    blocks=_blocks,
    check=_check,
    module="kft.tasks.audio_classification.audio_classification",
    searchable=("pooling", "augment"),
    memory_advice=_memory_advice,
    cautions=_cautions,
    values=Values(_encode),
    scores_classes=True,
)
