"""Vision transformers (Dosovitskiy et al., arXiv 2010.11929) as part of a flat graph.

DeiT (arXiv 2012.12877) has a second token before the patches; DINOv2 (arXiv 2304.07193)
multiplies what each half of a layer adds by learned factors.
"""

import keras

from kft.backbones import attention_parts, gelu, transformer_parts
from kft.backbones.image import vit_layers
from kft.backbones.image.vit_config import VitConfig

_STEM_END = "positions"
_BLOCK_END = "output"


def build(config: VitConfig, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Return one vector of each image, [batch, features].

    The class token after the last norm; of DINOv2 with the mean of the patches behind
    it, twice as many features.

    Args:
        config: sizes.
        pixels: [batch, side, side, 3], scaled as the weights expect; the side is a
            multiple of the patch.
    """
    facts = config.facts
    x = _embeddings(config, pixels)
    for name in config.blocks.names:
        x = _layer(config, name, x)
    x = transformer_parts.norm(config.layer_norm_eps, "norm", x)
    return vit_layers.ImageVector(
        len(facts.special_tokens), facts.reads_patches, name="features"
    )(x)


def cut_anchors(config: VitConfig) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    names = config.blocks.names
    below = [_STEM_END, *(f"{name}_{_BLOCK_END}" for name in names[:-1])]
    return dict(zip(names, below, strict=True))


def _embeddings(config: VitConfig, pixels: keras.KerasTensor) -> keras.KerasTensor:
    side, width = config.patch_size, config.hidden_size
    x = keras.layers.Conv2D(
        width,
        side,
        strides=side,
        kernel_initializer=transformer_parts.WEIGHTS,
        name="patches",
    )(pixels)
    _, rows, columns, _ = x.shape
    x = keras.layers.Reshape((rows * columns, width), name="patch_tokens")(x)
    tokens = len(config.facts.special_tokens)
    x = vit_layers.SpecialTokens(tokens, name="special_tokens")(x)
    x = vit_layers.GridPositions(name=_STEM_END)(x)
    # Of the first block, so that what is frozen drops nothing.
    return transformer_parts.dropout(
        config.hidden_dropout_prob, "layer_1_begin_dropout", x
    )


def _layer(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return a layer: attention, then dense layers; what they read is normalised."""
    y = transformer_parts.norm(config.layer_norm_eps, f"{name}_attention_norm", x)
    y = _attention(config, f"{name}_attention", y)
    y = _scaled(config, f"{name}_attention", y)
    x = keras.layers.Add(name=f"{name}_attended")([x, y])
    y = transformer_parts.norm(config.layer_norm_eps, f"{name}_norm", x)
    y = _scaled(config, name, _dense_layers(config, name, y))
    return keras.layers.Add(name=f"{name}_{_BLOCK_END}")([x, y])


def _attention(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return what each token reads of the others.

    Keys have no bias: it would add the same to all scores of a query, which softmax
    takes out again, and so never learn.
    """
    width = config.hidden_size
    shares = attention_parts.AttentionShares(
        config.num_attention_heads, name=f"{name}_shares"
    )(
        transformer_parts.dense(width, f"{name}_query", x),
        transformer_parts.dense(width, f"{name}_key", x, use_bias=False),
    )
    shares = transformer_parts.dropout(
        config.attention_probs_dropout_prob, f"{name}_shares_dropout", shares
    )
    values = transformer_parts.dense(width, f"{name}_value", x)
    context = attention_parts.AttentionContext(name=f"{name}_context")(shares, values)
    return transformer_parts.dense(width, f"{name}_output", context)


def _dense_layers(
    config: VitConfig, name: str, x: keras.KerasTensor
) -> keras.KerasTensor:
    inner, width = config.intermediate_size, config.hidden_size
    if config.is_gated:
        gate = transformer_parts.dense(inner, f"{name}_gate", x)
        gate = keras.layers.Activation("silu", name=f"{name}_silu")(gate)
        up = transformer_parts.dense(inner, f"{name}_expand", x)
        x = keras.layers.Multiply(name=f"{name}_gated")([gate, up])
    else:
        x = gelu.ExactGelu(name=f"{name}_gelu")(
            transformer_parts.dense(inner, f"{name}_expand", x)
        )
    return transformer_parts.dense(width, f"{name}_project", x)


def _scaled(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return what half of a layer adds, times its factors or with dropout."""
    if config.facts.has_layer_scale:
        scale = vit_layers.LearnedScale(config.layerscale_value, name=f"{name}_scale")
        return scale(x)
    return transformer_parts.dropout(config.hidden_dropout_prob, f"{name}_dropout", x)
