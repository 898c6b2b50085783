"""The terms under which the weights of a run may be passed on."""

from kft.backbones import weights_flag
from kft.backbones.image import image_table
from kft.config import RunConfig
from kft.tasks import weights_terms

_TRAINED_ON = (
    "The backbone was trained on ImageNet, whose images have terms of their own "
    "(research); whether weights are bound by them is not settled."
)


def terms(config: RunConfig) -> tuple[str, ...]:
    """Return what a model card says about the licence of the weights, line by line."""
    license_ = of_weights(config)
    if config.weights == weights_flag.NONE:
        pretrained = None
    elif license_ is None:
        pretrained = f"The weights come from {config.weights_origin}: its terms apply."
    else:
        pretrained = (
            f"The pretrained weights of {config.backbone} are under {license_}. "
            f"{_TRAINED_ON}"
        )
    return weights_terms.lines(pretrained, examples="images")


def of_weights(config: RunConfig) -> str | None:
    """Return the licence of the pretrained weights, None where kft cannot know it."""
    if config.weights_origin != weights_flag.IMAGENET:
        return None
    return image_table.FAMILIES[image_table.get(config.backbone).family].license
