"""GPT-2 (Radford et al., 2019) as part of a flat Keras graph.

A decoder: a token sees those before it alone, and its layers are normalised before they
compute. Positions are counted over tokens alone, so that it does not matter on which
side a batch is filled up.
"""

import keras

from kft.backbones import transformer_parts
from kft.backbones.mask_steps import MaskSteps
from kft.backbones.text import decoder_layers, layer_parts
from kft.backbones.text.layer_parts import STEM_END
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
    width = config.hidden_size
    words = keras.layers.Embedding(config.vocab_size, width, name="embeddings_words")
    places = keras.layers.Embedding(
        config.max_position_embeddings, width, name="embeddings_positions"
    )
    counted = decoder_layers.CountedPositions(name="embeddings_counted")(mask)
    x = layer_parts.add("embeddings_sum", words(token_ids), places(counted))
    x = transformer_parts.dropout(config.hidden_dropout_prob, "embeddings_dropout", x)
    x = MaskSteps(name=STEM_END)(x, mask)
    for number in range(1, config.num_hidden_layers + 1):
        x = _layer(config, f"layer_{number}", x, mask)
    return transformer_parts.norm(config.layer_norm_eps, "norm", x)


def _layer(
    config: TransformerConfig, name: str, x: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    width, share = config.hidden_size, config.hidden_dropout_prob
    y = transformer_parts.norm(config.layer_norm_eps, f"{name}_attention_norm", x)
    parts = layer_parts.queries_keys_values(width, name, y)
    y = layer_parts.attention(config, name, parts, mask)
    y = transformer_parts.dense(width, f"{name}_attention_output", y)
    y = transformer_parts.dropout(share, f"{name}_attention_dropout", y)
    x = layer_parts.add(f"{name}_attention_add", x, y)
    y = transformer_parts.norm(config.layer_norm_eps, f"{name}_norm", x)
    y = transformer_parts.dense(config.intermediate_size, f"{name}_intermediate", y)
    y = layer_parts.activation(config, f"{name}_gelu", y)
    y = transformer_parts.dense(width, f"{name}_output", y)
    y = transformer_parts.dropout(share, f"{name}_dropout", y)
    return layer_parts.add(f"{name}{BLOCK_END}", x, y)
