"""Classification of images: a label for each, out of a fixed set.

This half of the task needs no TensorFlow; the other is in `image_classification.py`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kft import data, errors
from kft.auditing.checks import Checks
from kft.backbones.image import image_table, own_network
from kft.backbones.image.image_backbone import Backbone
from kft.config import DEFAULT_TASK, AuditConfig, TrainConfig, augmentations
from kft.config.stages import Blocks
from kft.data.examples import Splits
from kft.data.image import dark_16_bit, digits
from kft.data.image.image_payload import IMAGES
from kft.tasks.image_classification import own_backbone
from kft.tasks.task_kind import OWN_LAYERS, MemoryAdvice, TaskKind, Values


def _backbone(config: TrainConfig) -> Backbone | None:
    try:
        return image_table.of(config, own_backbone.kept(config))
    except errors.KftError:
        return None  # `_check_network` says why.


def _blocks(config: TrainConfig) -> Blocks | None:
    backbone = _backbone(config)
    return None if backbone is None else backbone.blocks


def _check(config: TrainConfig) -> None:
    """Check the network and the augmentation.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    errors.check_all(config, (_check_network, _check_augment))


def _check_network(config: TrainConfig) -> None:
    own_backbone.check(config)
    kept = own_backbone.kept(config)
    if kept is not None and config.has_own_network:
        own_network.check_unchanged(config, kept)
    image_table.check(config, config.image_size, kept)


def _check_augment(config: TrainConfig) -> None:
    mixes = augmentations.mixes(augmentations.parse(config.augment))
    if not mixes:
        return
    names = " and ".join(one.name for one in mixes)
    given = {
        "cached_views": config.cached_views,
        "feature_cache": config.feature_cache,
    }
    problems = [
        f"--{name}={value}: {names} of --augment need two images at a time, and stored "
        "features are of one: leave it out."
        for name, value in given.items()
        if value not in (None, "auto", "off")
    ]
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _memory_advice(config: TrainConfig) -> MemoryAdvice:
    size = config.image_size
    backbone = _backbone(config)
    if size is None and backbone is not None:
        size = backbone.image_size
    return MemoryAdvice(
        f"--image_size={size}",
        ("a smaller --image_size: half the side takes a quarter",),
    )


def _audit_checks(config: AuditConfig) -> Checks:
    # For most commands Pillow is not worth its time.
    from kft.tasks.image_classification.image_audit import ImageChecks

    return ImageChecks(max_pixels=config.max_pixels, near_bits=config.near_bits)


def _encode(value: Any, config: TrainConfig) -> bytes:
    del config
    # For most commands Pillow is not worth its time.
    from kft.data.image import array_image

    return array_image.encode(np.asarray(value))


def _cautions(config: TrainConfig, splits: Splits) -> Iterator[str]:
    return dark_16_bit.cautions(splits, max_pixels=config.max_pixels)


KIND = TaskKind(
    name=DEFAULT_TASK,
    summary="say which of some classes an image shows",
    config_class=TrainConfig,
    sources={
        "digits": data.Source(
            "digits", digits.check, digits.load, is_path=False, names_splits=False
        ),
        **data.sources_of(IMAGES),
    },
    blocks=_blocks,
    check=_check,
    module="kft.tasks.image_classification.image_classification",
    recipe_fields=("image_size", "augment", "cached_views"),
    searchable=("pooling", "image_size", "resize", "augment"),
    memory_advice=_memory_advice,
    without_formats=lambda config: OWN_LAYERS if config.has_folder else {},
    audit_checks=_audit_checks,
    cautions=_cautions,
    kept_files=own_backbone.kept_files,
    with_network=own_backbone.with_network,
    values=Values(_encode),
    views=("flip", "five_crop"),
    scores_classes=True,
)
