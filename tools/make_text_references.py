"""Small random networks of texts with what Hugging Face's transformers makes of tokens.

    pip install torch transformers
    python tools/make_text_references.py tests/backbones/text/references

For each family a folder with config.json, model.safetensors and states.npz: token_ids
and mask [3, 9], filled up at the end, and the states of the last layer. Written once;
tests compare kft's own graphs with them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

_BERT = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 14,
    "type_vocab_size": 2,
}
FAMILIES = {
    "bert": (transformers.BertConfig, _BERT),
    "distilbert": (
        transformers.DistilBertConfig,
        {
            "vocab_size": 40,
            "dim": 16,
            "n_layers": 2,
            "n_heads": 4,
            "hidden_dim": 24,
            "max_position_embeddings": 14,
        },
    ),
    "roberta": (
        transformers.RobertaConfig,
        {**_BERT, "type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5},
    ),
    "xlm-roberta": (
        transformers.XLMRobertaConfig,
        {**_BERT, "type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5},
    ),
    "albert": (transformers.AlbertConfig, {**_BERT, "embedding_size": 8}),
    "gpt2": (
        transformers.GPT2Config,
        {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 14},
    ),
    "llama": (
        transformers.LlamaConfig,
        {
            **{k: v for k, v in _BERT.items() if k != "type_vocab_size"},
            "num_key_value_heads": 2,
            "rope_theta": 100.0,
            "tie_word_embeddings": True,
        },
    ),
}


def main(folder: Path) -> None:
    """Write all of them below a folder."""
    rng = np.random.default_rng(0)
    mask = (np.arange(9) < np.array([[9], [4], [2]])).astype(np.int32)
    ids = rng.integers(4, 40, mask.shape).astype(np.int32)
    for name, (config_class, values) in FAMILIES.items():
        torch.manual_seed(0)
        config = config_class(**values)
        model = transformers.AutoModel.from_config(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.2 + 0.05)
            padding = 1 if "roberta" in name else 0
            tokens = np.where(mask > 0, ids, padding)
            states = model(
                input_ids=torch.tensor(tokens, dtype=torch.long),
                attention_mask=torch.tensor(mask, dtype=torch.long),
            ).last_hidden_state.numpy()
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        config_json = {**config.to_dict(), "model_type": name}
        (target / "config.json").write_text(json.dumps(config_json, indent=1))
        tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
        save_file(tensors, str(target / "model.safetensors"))
        np.savez_compressed(
            target / "states.npz", token_ids=ids * mask, mask=mask, states=states
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
