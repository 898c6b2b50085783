"""Llama (Touvron et al., arXiv 2302.13971) as part of a flat Keras graph.

A decoder like GPT-2, with positions that rotate queries and keys, fewer heads of keys
and values than of queries, and gated dense layers. SmolLM2 is one.
"""

import keras

from kft.backbones import transformer_parts
from kft.backbones.mask_steps import MaskSteps
from kft.backbones.text import decoder_layers, layer_parts
from kft.backbones.text.layer_parts import STEM_END, Parts
from kft.backbones.text.transformer_config import TransformerConfig

# Ends the name of the last layer of a block.
BLOCK_END = "_add"


def build(
    config: TransformerConfig,
    token_ids: keras.KerasTensor,
    mask: keras.KerasTensor,
    token_types: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return the states of the tokens; see `kft.backbones.text.bert.build`.

    It has no types: there are none to be given.
    """
    del token_types
    words = keras.layers.Embedding(
        config.vocab_size, config.hidden_size, name="embeddings_words"
    )
    x = MaskSteps(name=STEM_END)(words(token_ids), mask)
    for number in range(1, config.num_hidden_layers + 1):
        x = _layer(config, f"layer_{number}", x, mask)
    return _norm(config, "norm", x)


def _layer(
    config: TransformerConfig, name: str, x: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    y = _norm(config, f"{name}_attention_norm", x)
    y = layer_parts.attention(config, name, _parts(config, name, y, mask), mask)
    y = _dense(config.hidden_size, f"{name}_attention_output", y)
    x = layer_parts.add(f"{name}_attention_add", x, y)
    y = _norm(config, f"{name}_norm", x)
    gate = _dense(config.intermediate_size, f"{name}_gate", y)
    gate = keras.layers.Activation("silu", name=f"{name}_silu")(gate)
    y = _dense(config.intermediate_size, f"{name}_intermediate", y)
    y = keras.layers.Multiply(name=f"{name}_gated")([gate, y])
    y = _dense(config.hidden_size, f"{name}_output", y)
    return layer_parts.add(f"{name}{BLOCK_END}", x, y)


def _parts(
    config: TransformerConfig, name: str, y: keras.KerasTensor, mask: keras.KerasTensor
) -> Parts:
    """Return queries, keys and values."""
    heads, key_heads = config.num_attention_heads, config.key_value_heads
    narrow = config.hidden_size // heads * key_heads
    queries = _dense(config.hidden_size, f"{name}_query", y)
    keys = _dense(narrow, f"{name}_key", y)
    values = _dense(narrow, f"{name}_value", y)
    theta = config.rope_theta
    turn = decoder_layers.RotatePositions(heads, theta, name=f"{name}_query_turned")
    turn_keys = decoder_layers.RotatePositions(
        key_heads, theta, name=f"{name}_key_turned"
    )
    return turn(queries, mask), turn_keys(keys, mask), values


def _dense(width: int, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return transformer_parts.dense(width, name, x, use_bias=False)


def _norm(
    config: TransformerConfig, name: str, x: keras.KerasTensor
) -> keras.KerasTensor:
    return keras.layers.RMSNormalization(epsilon=config.layer_norm_eps, name=name)(x)
