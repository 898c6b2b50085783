"""Terms of the weights of a network of texts, for the model card."""

from kft.backbones.text import text_backbone
from kft.config import TextModelConfig


def of_weights(config: TextModelConfig) -> str | None:
    """Return the licence of the pretrained weights, None where it is not known."""
    backbone = text_backbone.BACKBONES.get(config.backbone)
    is_named = backbone is not None and config.weights == "pretrained"
    return backbone.license if backbone and is_named else None


def terms(config: TextModelConfig) -> tuple[str, ...]:
    """Return lines on what weights and texts are under."""
    backbone = text_backbone.BACKBONES.get(config.backbone)
    if config.weights == "none":
        first = "The weights were trained from nothing: they are yours to license."
    elif backbone is None:
        first = f"The weights come from {config.backbone}: its terms apply."
    else:
        first = (
            f"The pretrained weights of {backbone.name} ({backbone.origin}) are "
            f"under {backbone.license}."
        )
    return (first, "The terms of the texts it was fine-tuned on come on top.")
