"""A BERT that is small and random, as a folder of Hugging Face has it."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "a", "b", "c", "the"),
    *("very", "un", "##afford", "##able", "##s", "##e", "!", ",", ".", "[", "]", "sep"),
    *("caf", "cafe", "中", "文", "😀", "x", "##x", "##y", "0", "##0", "##1", "##2"),
)
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 48,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-3,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
}


def tensors() -> dict[str, np.ndarray]:
    """Return weights, each by the name that Hugging Face's BertModel gives it."""
    rng = np.random.default_rng(0)
    width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    found = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], width),
        "embeddings.position_embeddings.weight": (48, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "pooler.dense.weight": (width, width),
    }
    dense = {"attention.output.dense": (width, width)}
    for part in ("query", "key", "value"):
        dense[f"attention.self.{part}"] = (width, width)
    dense |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(CONFIG["num_hidden_layers"]):
        place = f"encoder.layer.{layer}"
        found |= {f"{place}.{name}.weight": shape for name, shape in dense.items()}
        found |= {f"{place}.{name}.bias": shape[:1] for name, shape in dense.items()}
        norms += [f"{place}.attention.output.LayerNorm", f"{place}.output.LayerNorm"]
    for norm in norms:
        found |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    return {
        name: rng.normal(name.endswith("Norm.weight"), 0.3, shape).astype(np.float32)
        for name, shape in found.items()
    }


def write(
    folder: Path,
    *,
    weights: Mapping[str, np.ndarray] | None = None,
    config: Mapping[str, Any] = CONFIG,
) -> Path:
    """Write the folder: config.json, model.safetensors, vocab.txt."""
    import safetensors.numpy

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    stored = tensors() if weights is None else dict(weights)
    safetensors.numpy.save_file(stored, str(folder / "model.safetensors"))
    return folder


def forward(
    weights: Mapping[str, np.ndarray],
    ids: np.ndarray,
    mask: np.ndarray,
    types: int | np.ndarray = 0,
) -> np.ndarray:
    """Return the states [batch, steps, width] of a BERT, computed by NumPy in float64.

    Written after the paper (arXiv 1810.04805) and the names of Hugging Face alone.
    """
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + CONFIG["layer_norm_eps"])
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = norm(
        x + w["embeddings.token_type_embeddings.weight"][types], "embeddings.LayerNorm"
    )
    for layer in range(CONFIG["num_hidden_layers"]):
        place = f"encoder.layer.{layer}"
        parts = [f"{place}.attention.self.{p}" for p in ("query", "key", "value")]
        context = _attention(*(dense(x, part) for part in parts), mask)
        y = dense(context, f"{place}.attention.output.dense")
        x = norm(x + y, f"{place}.attention.output.LayerNorm")
        y = _gelu(dense(x, f"{place}.intermediate.dense"))
        x = norm(x + dense(y, f"{place}.output.dense"), f"{place}.output.LayerNorm")
    return x


def _attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    heads = CONFIG["num_attention_heads"]
    size = q.shape[-1] // heads
    context = np.zeros_like(q)
    for row in range(len(q)):
        tokens = np.flatnonzero(mask[row])
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[row, :, part] @ k[row, tokens][:, part].T / np.sqrt(size)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            shares /= shares.sum(-1, keepdims=True)
            context[row, :, part] = shares @ v[row, tokens][:, part]
    return context


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
