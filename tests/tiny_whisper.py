"""A small Whisper with random weights, as Hugging Face lays it out in a folder."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
import tokenizers

WIDTH, LAYERS, HEADS, VOCABULARY, POSITIONS = 24, 2, 3, 268, 48
BYTES = 256
END, START, NO_TIMES = 259, 260, 263
# Never written, and never first.
SUPPRESSED, SUPPRESSED_FIRST = 3, 220


def write(folder: Path, *, seed: int = 0) -> Path:
    """Write config.json, generation_config.json, tokenizer.json and the weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config()))
    rules = {
        "suppress_tokens": [SUPPRESSED, START],
        "begin_suppress_tokens": [SUPPRESSED_FIRST, END],
    }
    (folder / "generation_config.json").write_text(json.dumps(rules))
    tokenizer().save(str(folder / "tokenizer.json"))
    safetensors.numpy.save_file(weights(seed), folder / "model.safetensors")
    return folder


def config() -> dict[str, object]:
    """Return the content of config.json."""
    return {
        "model_type": "whisper",
        "d_model": WIDTH,
        "encoder_layers": LAYERS,
        "encoder_attention_heads": HEADS,
        "decoder_layers": LAYERS,
        "decoder_attention_heads": HEADS,
        "encoder_ffn_dim": 4 * WIDTH,
        "decoder_ffn_dim": 4 * WIDTH,
        "vocab_size": VOCABULARY,
        "max_target_positions": POSITIONS,
        "num_mel_bins": 80,
    }


def tokenizer() -> tokenizers.Tokenizer:
    """Return one of bytes, three merges, and what stands around texts."""
    signs = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    merges = [("a", "b"), ("Ġ", "a"), ("Ġ", "b")]
    vocabulary = {sign: number for number, sign in enumerate(signs)}
    for first, second in merges:
        vocabulary[first + second] = len(vocabulary)
    found = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    found.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = tokenizers.decoders.ByteLevel()
    found.add_special_tokens(
        [
            "<|endoftext|>",
            "<|startoftranscript|>",
            "<|en|>",
            "<|transcribe|>",
            "<|notimestamps|>",
        ]
    )
    return found


def weights(seed: int) -> dict[str, np.ndarray]:
    """Return random weights by their names in model.safetensors."""
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.conv1.weight": (WIDTH, 80, 3),
        "encoder.conv2.weight": (WIDTH, WIDTH, 3),
        "decoder.embed_tokens.weight": (VOCABULARY, WIDTH),
        "decoder.embed_positions.weight": (POSITIONS, WIDTH),
    }
    norms = ["encoder.layer_norm", "decoder.layer_norm"]
    for part, attentions in (
        ("encoder", ("self_attn",)),
        ("decoder", ("self_attn", "encoder_attn")),
    ):
        for layer in range(LAYERS):
            place = f"{part}.layers.{layer}"
            for attention in attentions:
                for one in ("q", "k", "v", "out"):
                    name = f"{place}.{attention}.{one}_proj.weight"
                    shapes[name] = (WIDTH, WIDTH)
                norms.append(f"{place}.{attention}_layer_norm")
            shapes[f"{place}.fc1.weight"] = (4 * WIDTH, WIDTH)
            shapes[f"{place}.fc2.weight"] = (WIDTH, 4 * WIDTH)
            norms.append(f"{place}.final_layer_norm")
    without_bias = ("k_proj.weight", "embed_tokens.weight", "embed_positions.weight")
    for name, shape in list(shapes.items()):
        if not name.endswith(without_bias):
            shapes[name.replace("weight", "bias")] = shape[:1]
    rng = np.random.default_rng(seed)
    found = {
        name: rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]) or 4)
        for name, shape in shapes.items()
    }
    for name in norms:
        found[f"{name}.weight"] = rng.uniform(0.5, 1.5, WIDTH)
        found[f"{name}.bias"] = rng.normal(size=WIDTH) / 4
    # So that a sound decides what is written of it, and some texts end early.
    for name, numbers in found.items():
        if "encoder_attn.q" in name or "encoder_attn.out" in name:
            numbers *= 4
    found["decoder.embed_positions.weight"] *= 3
    found["decoder.embed_tokens.weight"][END] *= 3
    return {f"model.{name}": one.astype(np.float32) for name, one in found.items()}
