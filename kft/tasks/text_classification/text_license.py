"""Terms of the weights of a network of texts, for the model card."""

from kft.backbones.text import text_backbone
from kft.config import TextModelConfig
from kft.tasks import weights_terms


def of_weights(config: TextModelConfig) -> str | None:
    """Return the licence of the pretrained weights, None where it is not known."""
    backbone = text_backbone.BACKBONES.get(config.backbone)
    is_named = backbone is not None and config.weights == "pretrained"
    return backbone.license if backbone and is_named else None


def terms(config: TextModelConfig) -> tuple[str, ...]:
    """Return lines on what weights and texts are under."""
    backbone = text_backbone.BACKBONES.get(config.backbone)
    if config.weights == "none":
        pretrained = None
    elif backbone is None:
        pretrained = f"The weights come from {config.backbone}: its terms apply."
    else:
        pretrained = weights_terms.of_pretrained(
            backbone.name, backbone.origin, backbone.license
        )
    return weights_terms.lines(pretrained, examples="texts")
