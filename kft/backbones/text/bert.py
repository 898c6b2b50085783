"""BERT (Devlin et al., arXiv 1810.04805) as part of a flat Keras graph."""

from collections.abc import Mapping

import keras

from kft.backbones.text import attention_layers
from kft.backbones.text.bert_config import BertConfig

STEM_END = "embeddings_masked"
_WEIGHTS = "truncated_normal"


def build(
    config: BertConfig, token_ids: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the states of the tokens, [batch, steps, hidden_size].

    The layers are part of the graph of the inputs itself, and every layer is used once.
    Their weights are random; see `kft.backbones.text.bert_weights`.

    Args:
        config: sizes.
        token_ids: output of `keras.Input`, int32 [batch, steps].
        mask: likewise, 1 for tokens, 0 for what only fills up a batch.
    """
    x = _embeddings(config, token_ids, mask)
    for number in range(1, config.num_hidden_layers + 1):
        x = _layer(config, f"layer_{number}", x, mask)
    return x


def cut_anchors(config: BertConfig) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below the block."""
    numbers = range(1, config.num_hidden_layers + 1)
    ends = [STEM_END, *(f"layer_{number}_norm" for number in numbers)]
    return {f"layer_{number}": ends[number - 1] for number in numbers}


def stored_names(config: BertConfig) -> Mapping[str, tuple[str, ...]]:
    """Return for each layer with weights the names under which these are stored.

    They are in the order of `Layer.weights`, as Hugging Face's BertModel names them.
    """
    names: dict[str, tuple[str, ...]] = {
        "embeddings_words": ("embeddings.word_embeddings.weight",),
        "embeddings_types": ("embeddings.token_type_embeddings.weight",),
        "embeddings_positions": ("embeddings.position_embeddings.weight",),
        "embeddings_norm": _pair("embeddings.LayerNorm"),
    }
    parts = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "intermediate": "intermediate.dense",
        "output": "output.dense",
        "norm": "output.LayerNorm",
    }
    for number in range(config.num_hidden_layers):
        for part, stored in parts.items():
            name = f"layer_{number + 1}_{part}"
            names[name] = _pair(f"encoder.layer.{number}.{stored}")
    return names


def _pair(stored: str) -> tuple[str, str]:
    return (f"{stored}.weight", f"{stored}.bias")


def _embeddings(
    config: BertConfig, token_ids: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    width = config.hidden_size
    words = keras.layers.Embedding(config.vocab_size, width, name="embeddings_words")
    types = keras.layers.Embedding(
        config.type_vocab_size, width, name="embeddings_types"
    )
    positions = attention_layers.PositionEmbedding(
        config.max_position_embeddings, name="embeddings_positions"
    )
    # A single text is all of the first type.
    of_type = types(keras.ops.zeros_like(token_ids))
    x = keras.layers.Add(name="embeddings_sum")([words(token_ids), of_type])
    x = _norm(config, "embeddings_norm")(positions(x))
    x = _dropout(config.hidden_dropout_prob, "embeddings_dropout", x)
    return attention_layers.MaskSteps(name=STEM_END)(x, mask)


def _layer(
    config: BertConfig, name: str, x: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    """Return a transformer layer: attention, then two dense layers, each normalised."""
    attended = _attention(config, name, x, mask)
    x = keras.layers.Add(name=f"{name}_attention_add")([x, attended])
    x = _norm(config, f"{name}_attention_norm")(x)
    y = _dense(config.intermediate_size, f"{name}_intermediate")(x)
    y = attention_layers.ExactGelu(name=f"{name}_gelu")(y)
    y = _dense(config.hidden_size, f"{name}_output")(y)
    y = _dropout(config.hidden_dropout_prob, f"{name}_dropout", y)
    x = keras.layers.Add(name=f"{name}_add")([x, y])
    return _norm(config, f"{name}_norm")(x)


def _attention(
    config: BertConfig, name: str, x: keras.KerasTensor, mask: keras.KerasTensor
) -> keras.KerasTensor:
    queries, keys, values = (
        _dense(config.hidden_size, f"{name}_{part}")(x)
        for part in ("query", "key", "value")
    )
    shares = attention_layers.AttentionShares(
        config.num_attention_heads, name=f"{name}_attention_shares"
    )(queries, keys, mask)
    shares = _dropout(
        config.attention_probs_dropout_prob, f"{name}_shares_dropout", shares
    )
    context = attention_layers.AttentionContext(name=f"{name}_attention_context")
    y = _dense(config.hidden_size, f"{name}_attention_output")(context(shares, values))
    return _dropout(config.hidden_dropout_prob, f"{name}_attention_dropout", y)


def _dense(width: int, name: str) -> keras.layers.Dense:
    return keras.layers.Dense(width, kernel_initializer=_WEIGHTS, name=name)


def _norm(config: BertConfig, name: str) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, name=name)


def _dropout(share: float, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Dropout(share, name=name)(x) if share else x
