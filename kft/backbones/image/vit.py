"""Vision transformers (Dosovitskiy et al., arXiv 2010.11929) as part of a flat graph.

DeiT (arXiv 2012.12877) has a second token before the patches; DINOv2 (arXiv 2304.07193)
multiplies what each half of a layer adds by learned factors.
"""

import keras

from kft.backbones import attention_parts, gelu
from kft.backbones.image import vit_layers
from kft.backbones.image.vit_config import VitConfig

_STEM_END = "positions"
_BLOCK_END = "output"
_WEIGHTS = "truncated_normal"


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
    x = _norm(config, "norm", x)
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
        width, side, strides=side, kernel_initializer=_WEIGHTS, name="patches"
    )(pixels)
    _, rows, columns, _ = x.shape
    x = keras.layers.Reshape((rows * columns, width), name="patch_tokens")(x)
    tokens = len(config.facts.special_tokens)
    x = vit_layers.SpecialTokens(tokens, name="special_tokens")(x)
    x = vit_layers.GridPositions(name=_STEM_END)(x)
    # Of the first block, so that what is frozen drops nothing.
    return _dropped(config, "layer_1_begin_dropout", x)


def _layer(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return a layer: attention, then dense layers; what they read is normalised."""
    y = _norm(config, f"{name}_attention_norm", x)
    y = _attention(config, f"{name}_attention", y)
    y = _scaled(config, f"{name}_attention", y)
    x = keras.layers.Add(name=f"{name}_attended")([x, y])
    y = _norm(config, f"{name}_norm", x)
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
        _dense(width, f"{name}_query", x),
        _dense(width, f"{name}_key", x, use_bias=False),
    )
    if config.attention_probs_dropout_prob:
        drop = keras.layers.Dropout(
            config.attention_probs_dropout_prob, name=f"{name}_shares_dropout"
        )
        shares = drop(shares)
    values = _dense(width, f"{name}_value", x)
    context = attention_parts.AttentionContext(name=f"{name}_context")(shares, values)
    return _dense(width, f"{name}_output", context)


def _dense_layers(
    config: VitConfig, name: str, x: keras.KerasTensor
) -> keras.KerasTensor:
    inner, width = config.intermediate_size, config.hidden_size
    if config.is_gated:
        gate = _dense(inner, f"{name}_gate", x)
        gate = keras.layers.Activation("silu", name=f"{name}_silu")(gate)
        up = _dense(inner, f"{name}_expand", x)
        x = keras.layers.Multiply(name=f"{name}_gated")([gate, up])
    else:
        x = gelu.ExactGelu(name=f"{name}_gelu")(_dense(inner, f"{name}_expand", x))
    return _dense(width, f"{name}_project", x)


def _scaled(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return what half of a layer adds, times its factors or with dropout."""
    if config.facts.has_layer_scale:
        scale = vit_layers.LearnedScale(config.layerscale_value, name=f"{name}_scale")
        return scale(x)
    return _dropped(config, f"{name}_dropout", x)


def _dropped(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    share = config.hidden_dropout_prob
    return keras.layers.Dropout(share, name=name)(x) if share else x


def _dense(
    width: int, name: str, x: keras.KerasTensor, *, use_bias: bool = True
) -> keras.KerasTensor:
    layer = keras.layers.Dense(
        width, use_bias=use_bias, kernel_initializer=_WEIGHTS, name=name
    )
    return layer(x)


def _norm(config: VitConfig, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, name=name)(x)
