"""Networks of Llama's kind in GGUF files, made into folders as Hugging Face has them.

GGUF is the format of llama.cpp: sizes, tokenizer and weights, often rounded to 4 bits,
in one file. Everything is read by the package `gguf`, and written as float32.
"""

import json
import os
import shutil
import tempfile
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from kft import errors
from kft.backbones import package_files
from kft.data.text.text_extra import TEXT

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_TOKENIZER = "tokenizer.json"
_FOLDER = "converted"
# Of config.json -> of a GGUF file, below the name of its architecture.
_SIZES = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "intermediate_size": "feed_forward_length",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "rope_theta": "rope.freq_base",
}
# Names of weights: of a GGUF file -> of Hugging Face.
_OUTSIDE = {"token_embd": "embed_tokens", "output_norm": "norm"}
_IN_LAYER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
# Kind of a token that is no text.
_CONTROL = 3
_PRE_TOKENIZERS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [],
    "smollm": [{"type": "Digits", "individual_digits": True}],
}


def folder(file: Traversable, name: str) -> Path:
    """Return the folder of a file, which is made once below the cache of kft.

    Args:
        file: the GGUF file, maybe in an archive.
        name: that the folder gets.

    Raises:
        errors.ConfigError: where it is no such network, or there is no room.
    """
    target = package_files.cache_folder().parent / _FOLDER / name
    if target.is_dir():
        return target
    logging.info("Making %s out of %s, once.", target, file.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=target.parent) as own:
            copy, draft = Path(own, "network.gguf"), Path(own, "draft")
            with file.open("rb") as source, copy.open("wb") as written:
                shutil.copyfileobj(source, written)
            draft.mkdir()
            convert(copy, draft)
            if not target.is_dir():
                os.replace(draft, target)
    except OSError as error:
        raise errors.ConfigError(
            f"{target.parent} cannot hold {file.name} as float32: {error}. The "
            "environment variable KFT_HOME names another folder."
        ) from error
    return target


def convert(path: Path, target: Path) -> None:
    """Write config.json, tokenizer.json and model.safetensors of a file to a folder.

    Raises:
        errors.ConfigError: where it is no network of Llama's kind, or its tokenizer is
            none that is known.
        OSError: where they cannot be written.
    """
    gguf = TEXT.require("gguf")
    reader = gguf.GGUFReader(str(path))
    values = {name: field.contents() for name, field in reader.fields.items()}
    if values["general.architecture"] != "llama":
        raise errors.ConfigError(
            f"{path}: expected a network of the architecture llama, received "
            f"{values['general.architecture']}."
        )
    config = _config(values)
    weights = {
        name: gguf.quants.dequantize(one.data, one.tensor_type)
        for one in reader.tensors
        if (name := _name(one.name))
    }
    _unpermute(weights, config)
    (target / _CONFIG).write_text(json.dumps(config))
    (target / _TOKENIZER).write_text(json.dumps(_tokenizer(values, path)))
    save = TEXT.require("safetensors.numpy").save_file
    save(weights, str(target / _WEIGHTS))


def _config(values: dict[str, Any]) -> dict[str, Any]:
    sizes = {key: values[f"llama.{name}"] for key, name in _SIZES.items()}
    tokens = len(values["tokenizer.ggml.tokens"])
    # What predicts words is no part of the network here: it may be the table of tokens.
    own = {"model_type": "llama", "vocab_size": tokens, "tie_word_embeddings": True}
    return {**own, **sizes}


def _name(stored: str) -> str | None:
    """Return how Hugging Face calls a weight; None for one that is not needed."""
    parts = stored.removesuffix(".weight").split(".")
    if parts[0] == "blk":
        own = _IN_LAYER.get(parts[2])
        return own and f"model.layers.{parts[1]}.{own}.weight"
    own = _OUTSIDE.get(parts[0])
    return own and f"model.{own}.weight"


def _unpermute(weights: dict[str, np.ndarray], config: dict[str, Any]) -> None:
    """Put the rows of queries and keys in the order that Hugging Face has them.

    llama.cpp rotates neighbours, Hugging Face the halves of a head.
    """
    heads = {
        "q_proj": config["num_attention_heads"],
        "k_proj": config["num_key_value_heads"],
    }
    for name, value in weights.items():
        count = heads.get(name.split(".")[-2])
        if count:
            pairs = value.reshape(count, -1, 2, value.shape[-1])
            straight = pairs.transpose(0, 2, 1, 3).reshape(value.shape)
            weights[name] = np.ascontiguousarray(straight)


def _tokenizer(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the content of a tokenizer.json: byte-level BPE."""
    kind = values.get("tokenizer.ggml.model"), values.get("tokenizer.ggml.pre")
    steps = _PRE_TOKENIZERS.get(str(kind[1])) if kind[0] == "gpt2" else None
    if steps is None:
        raise errors.ConfigError(
            f"{path}: expected a tokenizer of the model gpt2 that splits words like "
            f"{' or '.join(_PRE_TOKENIZERS)}, received {kind[0]} and {kind[1]}."
        )
    tokens = values["tokenizer.ggml.tokens"]
    kinds = values.get("tokenizer.ggml.token_type", [])
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    level["trim_offsets"] = True
    return {
        "version": "1.0",
        "added_tokens": [
            {
                **{"id": number, "content": token, "special": True},
                **{"single_word": False, "lstrip": False, "rstrip": False},
                "normalized": False,
            }
            for number, (token, one) in enumerate(zip(tokens, kinds, strict=False))
            if one == _CONTROL
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*steps, level]},
        "decoder": level,
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": list(values["tokenizer.ggml.merges"]),
        },
    }
