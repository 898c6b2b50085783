"""BERT (Devlin et al., arXiv 1810.04805) and its kin as part of a flat Keras graph.

DistilBERT, RoBERTa and XLM-RoBERTa are this graph without types or with other
positions. ALBERT has smaller embeddings and one layer that is used again and again;
here each use has weights of its own, alike at first.
"""

import keras

from kft.backbones import transformer_parts
from kft.backbones.mask_steps import MaskSteps
from kft.backbones.text import attention_layers, layer_parts
from kft.backbones.text.layer_parts import STEM_END
from kft.backbones.text.transformer_config import TransformerConfig

# Ends the name of the last layer of a block.
BLOCK_END = "_norm"


def build(
    config: TransformerConfig,
    token_ids: keras.KerasTensor,
    mask: keras.KerasTensor,
    token_types: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return the states of the tokens, [batch, steps, hidden_size].

    The layers are part of the graph of the inputs itself, and every layer is used once.
    Their weights are random; see `kft.backbones.text.transformer_weights`.

    Args:
        config: sizes.
        token_ids: output of `keras.Input`, int32 [batch, steps].
        mask: likewise, 1 for tokens, 0 for what only fills up a batch.
        token_types: likewise, 0 for the first text of a pair and 1 for the second;
            None where there is one text, or the network has no types.
    """
    x = _embeddings(config, token_ids, mask, token_types)
    for number in range(1, config.num_hidden_layers + 1):
        x = _layer(config, f"layer_{number}", x, mask)
    return x


def _embeddings(
    config: TransformerConfig,
    token_ids: keras.KerasTensor,
    mask: keras.KerasTensor,
    token_types: keras.KerasTensor | None,
) -> keras.KerasTensor:
    width = config.embedding_size
    x = keras.layers.Embedding(config.vocab_size, width, name="embeddings_words")(
        token_ids
    )
    if config.type_vocab_size:
        types = keras.layers.Embedding(
            config.type_vocab_size, width, name="embeddings_types"
        )
        if token_types is None:
            # A single text is all of the first type.
            token_types = keras.ops.zeros_like(token_ids)
        x = layer_parts.add("embeddings_sum", x, types(token_types))
    positions = attention_layers.PositionEmbedding(
        config.max_position_embeddings,
        config.position_offset,
        name="embeddings_positions",
    )
    x = transformer_parts.norm(config.layer_norm_eps, "embeddings_norm", positions(x))
    x = transformer_parts.dropout(config.hidden_dropout_prob, "embeddings_dropout", x)
    if width != config.hidden_size:
        x = transformer_parts.dense(config.hidden_size, "embeddings_projection", x)
    return MaskSteps(name=STEM_END)(x, mask)


def _layer(
    config: TransformerConfig, name: str, x: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    """Return a transformer layer: attention, then two dense layers, each normalised."""
    width, share = config.hidden_size, config.hidden_dropout_prob
    parts = layer_parts.queries_keys_values(width, name, x)
    y = layer_parts.attention(config, name, parts, mask)
    y = transformer_parts.dense(width, f"{name}_attention_output", y)
    y = transformer_parts.dropout(share, f"{name}_attention_dropout", y)
    x = layer_parts.add(f"{name}_attention_add", x, y)
    x = transformer_parts.norm(config.layer_norm_eps, f"{name}_attention_norm", x)
    y = transformer_parts.dense(config.intermediate_size, f"{name}_intermediate", x)
    y = layer_parts.activation(config, f"{name}_gelu", y)
    y = transformer_parts.dense(width, f"{name}_output", y)
    y = transformer_parts.dropout(share, f"{name}_dropout", y)
    x = layer_parts.add(f"{name}_add", x, y)
    return transformer_parts.norm(config.layer_norm_eps, f"{name}{BLOCK_END}", x)
