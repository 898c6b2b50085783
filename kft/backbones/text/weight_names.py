"""The names under which Hugging Face stores the weights of transformers."""

from collections.abc import Mapping
from typing import NamedTuple

from kft.backbones.text.transformer_config import TransformerConfig


class StoredWeight(NamedTuple):
    """A tensor in a file.

    Attributes:
        name: of it.
        is_transposed: whether it is a matrix [out, in], as of a dense layer of PyTorch.
        third: which third of its last axis is meant; None for all of it.
    """

    name: str
    is_transposed: bool = False
    third: int | None = None


Stored = tuple[StoredWeight, ...]

_BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "norm": "output.LayerNorm",
}
_DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention_output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
    "norm": "output_layer_norm",
}
_ALBERT = {
    "query": "attention.query",
    "key": "attention.key",
    "value": "attention.value",
    "attention_output": "attention.dense",
    "attention_norm": "attention.LayerNorm",
    "intermediate": "ffn",
    "output": "ffn_output",
    "norm": "full_layer_layer_norm",
}
_GPT2 = {
    "attention_norm": "ln_1",
    "attention_output": "attn.c_proj",
    "norm": "ln_2",
    "intermediate": "mlp.c_fc",
    "output": "mlp.c_proj",
}
_LLAMA = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "attention_output": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "intermediate": "mlp.up_proj",
    "output": "mlp.down_proj",
}
# A part whose bias is left out; see `layer_parts.queries_keys_values`.
_WITHOUT_BIAS = "key"
_ALBERT_LAYER = "encoder.albert_layer_groups.0.albert_layers.0"


def of(config: TransformerConfig) -> Mapping[str, Stored]:
    """Return for each layer with weights those in the file, as `Layer.weights` are."""
    layers = range(config.num_hidden_layers)
    if config.family == "gpt2":
        return _of_gpt2(layers)
    if config.family == "llama":
        return _of_llama(layers)
    found = _of_embeddings(config)
    for number in layers:
        place, parts = {
            "distilbert": (f"transformer.layer.{number}", _DISTILBERT),
            "albert": (_ALBERT_LAYER, _ALBERT),
        }.get(config.family, (f"encoder.layer.{number}", _BERT))
        for part, stored in parts.items():
            name = f"layer_{number + 1}_{part}"
            pair = _pair(f"{place}.{stored}", is_dense="norm" not in part)
            found[name] = pair[:1] if part == _WITHOUT_BIAS else pair
    return found


def _of_embeddings(config: TransformerConfig) -> dict[str, Stored]:
    found: dict[str, Stored] = {
        "embeddings_words": _one("embeddings.word_embeddings.weight"),
        "embeddings_positions": _one("embeddings.position_embeddings.weight"),
        "embeddings_norm": _pair("embeddings.LayerNorm", is_dense=False),
    }
    if config.type_vocab_size:
        found["embeddings_types"] = _one("embeddings.token_type_embeddings.weight")
    if config.embedding_size != config.hidden_size:
        found["embeddings_projection"] = _pair(
            "encoder.embedding_hidden_mapping_in", is_dense=True
        )
    return found


def _of_gpt2(layers: range) -> dict[str, Stored]:
    """Its matrices are [in, out]; those of queries, keys and values are one."""
    found: dict[str, Stored] = {
        "embeddings_words": _one("wte.weight"),
        "embeddings_positions": _one("wpe.weight"),
        "norm": _pair("ln_f", is_dense=False),
    }
    for number in layers:
        place, name = f"h.{number}", f"layer_{number + 1}"
        for part, stored in _GPT2.items():
            found[f"{name}_{part}"] = _pair(f"{place}.{stored}", is_dense=False)
        for third, part in enumerate(("query", "key", "value")):
            found[f"{name}_{part}"] = tuple(
                StoredWeight(f"{place}.attn.c_attn.{one}", third=third)
                for one in ("weight", "bias")
            )[: 1 if part == _WITHOUT_BIAS else 2]
    return found


def _of_llama(layers: range) -> dict[str, Stored]:
    found: dict[str, Stored] = {
        "embeddings_words": _one("embed_tokens.weight"),
        "norm": _one("norm.weight"),
    }
    for number in layers:
        place, name = f"layers.{number}", f"layer_{number + 1}"
        found[f"{name}_attention_norm"] = _one(f"{place}.input_layernorm.weight")
        found[f"{name}_norm"] = _one(f"{place}.post_attention_layernorm.weight")
        for part, stored in _LLAMA.items():
            found[f"{name}_{part}"] = (
                StoredWeight(f"{place}.{stored}.weight", is_transposed=True),
            )
    return found


def _one(name: str) -> Stored:
    return (StoredWeight(name),)


def _pair(name: str, *, is_dense: bool) -> Stored:
    return StoredWeight(f"{name}.weight", is_dense), StoredWeight(f"{name}.bias")
