"""Parts that the layers of all transformers are made of; each has a name of its own."""

import keras

from kft.backbones import attention_parts, gelu, transformer_parts
from kft.backbones.text import decoder_layers
from kft.backbones.text.transformer_config import TransformerConfig

STEM_END = "embeddings_masked"
# Queries, keys and values, [batch, steps, features] each.
Parts = tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]


def add(name: str, x: keras.KerasTensor, y: keras.KerasTensor) -> keras.KerasTensor:
    """Return the sum."""
    return keras.layers.Add(name=name)([x, y])


def activation(
    config: TransformerConfig, name: str, x: keras.KerasTensor
) -> keras.KerasTensor:
    """Return what the activation of the config makes of features."""
    if config.activation == "gelu_tanh":
        return decoder_layers.TanhGelu(name=name)(x)
    return gelu.ExactGelu(name=name)(x)


def queries_keys_values(width: int, name: str, x: keras.KerasTensor) -> Parts:
    """Return queries, keys and values of features, all of one width.

    Keys have no bias: it would add the same to all scores of a query, which softmax
    takes out again, and so never learn.
    """
    return (
        transformer_parts.dense(width, f"{name}_query", x),
        transformer_parts.dense(width, f"{name}_key", x, use_bias=False),
        transformer_parts.dense(width, f"{name}_value", x),
    )


def attention(
    config: TransformerConfig,
    name: str,
    parts: Parts,
    mask: keras.KerasTensor,
) -> keras.KerasTensor:
    """Return what each token reads of the others, [batch, steps, features].

    Args:
        config: heads, dropout, and whether a token sees those before it alone.
        name: of the transformer layer.
        parts: queries, keys and values.
        mask: 1 for tokens, else 0.
    """
    queries, keys, values = parts
    shares = attention_parts.AttentionShares(
        config.num_attention_heads,
        config.key_value_heads,
        config.is_decoder,
        name=f"{name}_attention_shares",
    )(queries, keys, mask)
    shares = transformer_parts.dropout(
        config.attention_probs_dropout_prob, f"{name}_shares_dropout", shares
    )
    context = attention_parts.AttentionContext(
        config.key_value_heads, name=f"{name}_attention_context"
    )
    return context(shares, values)


def cut_anchors(config: TransformerConfig, last: str) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below the block.

    Args:
        config: number of layers.
        last: what stands behind `layer_1` and so on in the name of that output.
    """
    numbers = range(1, config.num_hidden_layers + 1)
    ends = [STEM_END, *(f"layer_{number}{last}" for number in numbers)]
    return {f"layer_{number}": ends[number - 1] for number in numbers}
