"""The weights of a Whisper in a folder as Hugging Face lays it out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from kft import errors
from kft.backbones.audio.whisper_config import WEIGHTS, WhisperConfig
from kft.data import safetensors_file

# What a layer is called there, by its name in a model.bin of CTranslate2; several are
# one matrix in it.
_NORMS = {
    "self_attention/layer_norm": "self_attn_layer_norm",
    "ffn/layer_norm": "final_layer_norm",
}
_MATRICES = {
    "self_attention/linear_0": tuple(f"self_attn.{one}_proj" for one in "qkv"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
}
_CROSS_NORMS = {"attention/layer_norm": "encoder_attn_layer_norm"}
_CROSS_MATRICES = {
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
}
_PREFIX = "model."


def read(folder: Path, config: WhisperConfig, flag: str) -> dict[str, np.ndarray]:
    """Return the weights by their names in a model.bin, float32.

    Args:
        folder: has model.safetensors.
        config: sizes.
        flag: what names the folder, for messages.

    Raises:
        errors.ConfigError: where there are none, or they are of another network.
    """
    stored = safetensors_file.read(folder / WEIGHTS, flag)
    try:
        return dict(_renamed(stored, config))
    except KeyError as error:
        raise errors.ConfigError(
            f"{flag}: expected {error.args[0]} in {WEIGHTS}; it is missing. "
            f"{errors.closest(str(error.args[0]), stored)}"
        ) from error


def _renamed(
    stored: Mapping[str, np.ndarray], config: WhisperConfig
) -> Iterator[tuple[str, np.ndarray]]:
    def numbers(name: str) -> np.ndarray:
        # Without the prefix in a file of the model without its head.
        found = stored.get(_PREFIX + name)
        return (stored[name] if found is None else found).astype(np.float32)

    def matrix(name: str, parts: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
        kernels = [numbers(f"{part}.weight") for part in parts]
        biases = [
            # Keys have none.
            np.zeros(len(kernel), np.float32)
            if part.endswith("k_proj")
            else numbers(f"{part}.bias")
            for part, kernel in zip(parts, kernels, strict=True)
        ]
        yield f"{name}/weight", np.concatenate(kernels)
        yield f"{name}/bias", np.concatenate(biases)

    def norm(name: str, part: str) -> Iterator[tuple[str, np.ndarray]]:
        yield f"{name}/gamma", numbers(f"{part}.weight")
        yield f"{name}/beta", numbers(f"{part}.bias")

    for number in (1, 2):
        yield from matrix(f"encoder/conv{number}", (f"encoder.conv{number}",))
    yield "decoder/embeddings/weight", numbers("decoder.embed_tokens.weight")
    positions = numbers("decoder.embed_positions.weight")
    yield "decoder/position_encodings/encodings", positions
    layers = {"encoder": config.encoder_layers, "decoder": config.decoder_layers}
    for part, count in layers.items():
        is_decoder = part == "decoder"
        norms = {**_NORMS, **(_CROSS_NORMS if is_decoder else {})}
        matrices = {**_MATRICES, **(_CROSS_MATRICES if is_decoder else {})}
        for rank in range(count):
            place, there = f"{part}/layer_{rank}", f"{part}.layers.{rank}"
            for own, other in norms.items():
                yield from norm(f"{place}/{own}", f"{there}.{other}")
            for own, others in matrices.items():
                names = tuple(f"{there}.{other}" for other in others)
                yield from matrix(f"{place}/{own}", names)
        yield from norm(f"{part}/layer_norm", f"{part}.layer_norm")
