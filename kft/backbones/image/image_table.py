"""The table of image backbones: sizes, parameters, cuts. No TensorFlow here.

`kft.backbones.image.build_family` builds them.
"""

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
    resnet,
    vgg,
    xception,
)
from kft.backbones.image.image_backbone import Backbone, Family
from kft.config import ModelConfig

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
        advice = "It is a transformer, and the networks of images are convolutional."
    else:
        advice = errors.closest(name, BACKBONES)
    raise errors.ConfigError(
        f"--backbone: there is no {name!r}. {advice} `python -m kft.backbones` lists "
        "them all."
    )


def check(config: ModelConfig, image_size: int | None) -> None:
    """Check all of a network's options that need no TensorFlow to check.

    Args:
        config: the network.
        image_size: side of the input in pixels; None for the backbone's own.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    problems = []
    backbone = None
    try:
        backbone = get(config.backbone)
    except errors.ConfigError as error:
        problems.append(str(error))
    if backbone and image_size is not None and image_size < backbone.min_image_size:
        problems.append(
            f"--image_size: {backbone.name} takes at least {backbone.min_image_size} "
            f"pixels, received {image_size}."
        )
    try:
        weights_flag.check(config.weights)
        if backbone and backbone.imagenet is None and config.weights == "imagenet":
            efficientnet_lite_file.find()
    except errors.ConfigError as error:
        problems.append(str(error))
    if problems:
        raise errors.ConfigError("\n".join(problems))
