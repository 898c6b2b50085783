"""The terms under which the weights of a run may be passed on."""

from collections.abc import Iterator

from kft.backbones import weights_flag
from kft.backbones.image import image_table
from kft.config import RunConfig

_TRAINED_ON = (
    "The backbone was trained on ImageNet, whose images have terms of their own "
    "(research); whether weights are bound by them is not settled."
)


def terms(config: RunConfig) -> Iterator[str]:
    """Yield what a model card says about the licence of the weights, line by line."""
    license_ = of_weights(config)
    if config.weights == weights_flag.NONE:
        yield "The weights were trained from nothing: they are yours to license."
    elif license_ is None:
        yield f"The weights come from {config.weights}: its terms apply."
    else:
        yield (
            f"The pretrained weights of {config.backbone} are under {license_}. "
            f"{_TRAINED_ON}"
        )
    yield "The terms of the images it was fine-tuned on come on top."


def of_weights(config: RunConfig) -> str | None:
    """Return the licence of the pretrained weights, None where kft cannot know it."""
    if config.weights != weights_flag.IMAGENET:
        return None
    return image_table.FAMILIES[image_table.get(config.backbone).family].license
