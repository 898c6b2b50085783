"""The table of image backbones: sizes, parameters, cuts. No TensorFlow here.

`kft.backbones.image.build_family` builds them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from kft import errors
from kft.backbones import weights_flag
from kft.backbones.image import (
    convnext,
    densenet,
    efficientnet,
    efficientnet_lite_file,
    inception,
    mobilenet,
    nasnet,
    own_network,
    resnet,
    vgg,
    vit_config,
    vit_folder,
    xception,
)
from kft.backbones.image.image_backbone import Backbone, Family
from kft.backbones.image.vit_folder import VitFolder
from kft.config import ImageModelConfig
from kft.config.stages import Blocks

_MODULES = (
    mobilenet,
    efficientnet,
    resnet,
    densenet,
    inception,
    xception,
    nasnet,
    convnext,
    vgg,
)

FAMILIES: dict[str, Family] = {
    family.name: family for module in _MODULES for family in module.FAMILIES
}
BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone for module in _MODULES for backbone in module.BACKBONES
}

# The families of networks of the user's own, and of folders.
OWN, VIT = "own", "vit"
_KERAS_3 = ".weights.h5"
# How the names of networks begin that people look for here.
_TRANSFORMERS = ("vit", "swin", "deit", "beit", "dino", "clip", "siglip", "eva")


def get(name: str) -> Backbone:
    """Return the backbone of that name.

    Raises:
        errors.ConfigError: where there is none; names the nearest.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if name.lower().startswith(_TRANSFORMERS):
        advice = (
            f"Transformers of the kinds {', '.join(vit_config.FAMILIES)} come as the "
            "path of a folder that Hugging Face has, such as "
            "--backbone=./vit-base-patch16-224."
        )
    elif os.sep in name:
        advice = "There is no such folder."
    else:
        advice = errors.closest(name, BACKBONES)
    raise errors.ConfigError(
        f"--backbone: there is no {name!r}. {advice} `python -m kft.backbones` lists "
        "them all."
    )


def of(config: ImageModelConfig, kept: Path | None = None) -> Backbone:
    """Return the backbone of a config: of the table, or a network of the user's own.

    Args:
        config: the network.
        kept: folder in which a run keeps a network of the user's own; None where there
            is no run yet.

    Raises:
        errors.ConfigError: where there is none, or no head can be put on it.
        errors.RunDirError: where what a run keeps is damaged.
    """
    vit = vit_folder.find(config, kept)
    if vit is not None:
        return _of_folder(config.backbone, vit)
    if not config.has_own_network:
        return get(config.backbone)
    own = own_network.find(config, kept)
    side = own.image_size
    return Backbone(
        name=config.backbone,
        family=OWN,
        image_size=side or own_network.ANY_SIZE,
        min_image_size=side or own_network.LEAST_SIZE,
        parameters=0,
        blocks=Blocks(tuple(own.anchors)),
        imagenet=None,
        own=own,
    )


def _of_folder(name: str, vit: VitFolder) -> Backbone:
    return Backbone(
        name=name,
        family=VIT,
        image_size=vit.image_size,
        min_image_size=vit.config.patch_size,
        parameters=vit.config.parameters,
        blocks=vit.config.blocks,
        imagenet=None,
        vit=vit,
        size_step=vit.config.patch_size,
    )


def check(
    config: ImageModelConfig, image_size: int | None, kept: Path | None = None
) -> None:
    """Check all of a network's options that need no TensorFlow to check.

    Args:
        config: the network.
        image_size: side of the input in pixels; None for the backbone's own.
        kept: see `of`.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    problems = [*_strays(config)]
    backbone = None
    try:
        backbone = of(config, kept)
    except errors.ConfigError as error:
        problems.append(str(error))
    if backbone and image_size is not None:
        problems += _size_problems(backbone, image_size)
    try:
        weights_flag.check(config.weights)
        if backbone and _is_of_package(backbone) and config.weights == "imagenet":
            efficientnet_lite_file.find()
    except errors.ConfigError as error:
        problems.append(str(error))
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _is_of_package(backbone: Backbone) -> bool:
    is_of_table = backbone.own is None and backbone.vit is None
    return is_of_table and backbone.imagenet is None


def _size_problems(backbone: Backbone, image_size: int) -> Iterator[str]:
    side = backbone.own.image_size if backbone.own else None
    if side is not None and image_size != side:
        yield (
            f"--image_size: {backbone.name} reads images of {side} pixels alone (its "
            f"keras.Input), received {image_size}. Leave it out, or build the network "
            "with keras.Input((None, None, 3)), which takes any size."
        )
    elif image_size < backbone.min_image_size:
        yield (
            f"--image_size: {backbone.name} takes at least {backbone.min_image_size} "
            f"pixels, received {image_size}."
        )
    elif image_size % backbone.size_step:
        step = backbone.size_step
        below = image_size - image_size % step
        yield (
            f"--image_size: {backbone.name} reads patches of {step} x {step} pixels: "
            f"expected a multiple of {step}, such as {below} or {below + step}, "
            f"received {image_size}."
        )


def _strays(config: ImageModelConfig) -> Iterator[str]:
    """Yield what is wrong with options that only a network of the user's own has."""
    if config.has_own_network:
        if config.weights.endswith(".h5") and not config.weights.endswith(_KERAS_3):
            yield (
                f"--weights={config.weights}: a network of your own takes the weights "
                "of its layers from a .weights.h5 or .keras file, as Keras 3 writes it."
            )
        return
    for name in ("scaling", "backbone_output", "blocks"):
        if getattr(config, name) and not (name == "scaling" and config.has_folder):
            yield (
                f"--{name} belongs to networks of your own (--backbone=PATH.keras), "
                f"received --backbone={config.backbone}."
            )
