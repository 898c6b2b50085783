"""Whisper's encoder against an independent forward pass in NumPy."""

import math
import struct

import keras
import numpy as np
import pytest
import scipy.special

from kft.backbones.audio import (
    audio_backbone,
    audio_networks,
    ctranslate2_file,
    whisper_encoder,
    whisper_weights,
)
from kft.backbones.audio.whisper_encoder import WhisperSizes
from kft.data.audio.windows import Windows
from kft.model import split

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

SIZES = WhisperSizes(width=24, layers=2, heads=3)
SAMPLES = 8_000


def _stored() -> dict[str, np.ndarray]:
    """Return random weights by their names in a model.bin."""
    width = SIZES.width
    shapes = {
        "encoder/conv1/weight": (width, 80, 3),
        "encoder/conv2/weight": (width, width, 3),
    }
    norms = ["encoder/layer_norm"]
    for layer in range(SIZES.layers):
        place = f"encoder/layer_{layer}"
        shapes[f"{place}/self_attention/linear_0/weight"] = (3 * width, width)
        shapes[f"{place}/self_attention/linear_1/weight"] = (width, width)
        shapes[f"{place}/ffn/linear_0/weight"] = (4 * width, width)
        shapes[f"{place}/ffn/linear_1/weight"] = (width, 4 * width)
        norms += [f"{place}/self_attention/layer_norm", f"{place}/ffn/layer_norm"]
    for name, shape in list(shapes.items()):
        shapes[name.replace("weight", "bias")] = shape[:1]
    for name in norms:
        shapes |= {f"{name}/gamma": (width,), f"{name}/beta": (width,)}
    return sounds.random_numbers(shapes)


def _forward(stored: dict[str, np.ndarray], frames: np.ndarray) -> np.ndarray:
    """Return the outputs [steps, features] of scaled log-mel frames [frames, 80]."""

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ stored[f"{name}/weight"].T + stored[f"{name}/bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return scaled * stored[f"{name}/gamma"] + stored[f"{name}/beta"]

    def gelu(x: np.ndarray) -> np.ndarray:
        return x * 0.5 * (1 + scipy.special.erf(x / math.sqrt(2)))

    def convolved(x: np.ndarray, name: str, stride: int) -> np.ndarray:
        padded = np.pad(x, ((1, 1), (0, 0)))
        steps = range(0, len(x), stride)
        parts = np.stack([padded[step : step + 3] for step in steps])
        kernel = stored[f"{name}/weight"]
        return np.einsum("skc,ock->so", parts, kernel) + stored[f"{name}/bias"]

    x = gelu(convolved(frames, "encoder/conv1", 1))
    x = gelu(convolved(x, "encoder/conv2", 2))
    steps, half = np.arange(len(x))[:, None], SIZES.width // 2
    angles = steps * np.exp(-math.log(10_000) / (half - 1) * np.arange(half))
    x = x + np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    for layer in range(SIZES.layers):
        place = f"encoder/layer_{layer}"
        attention = f"{place}/self_attention"
        mixed = dense(norm(x, f"{attention}/layer_norm"), f"{attention}/linear_0")
        queries, keys, values = (
            part.reshape(len(x), SIZES.heads, -1).transpose(1, 0, 2)
            for part in np.split(mixed, 3, axis=-1)
        )
        scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(queries.shape[-1])
        shares = scipy.special.softmax(scores, axis=-1)
        context = (shares @ values).transpose(1, 0, 2).reshape(len(x), -1)
        x = x + dense(context, f"{attention}/linear_1")
        inner = dense(norm(x, f"{place}/ffn/layer_norm"), f"{place}/ffn/linear_0")
        x = x + dense(gelu(inner), f"{place}/ffn/linear_1")
    return norm(x, "encoder/layer_norm")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inputs = keras.Input([SAMPLES])
    model = keras.Model(inputs, whisper_encoder.build(inputs, SIZES))
    whisper_weights.assign(model, _stored(), SIZES)
    return model


def _frames(waveform: np.ndarray) -> np.ndarray:
    """Return log-mel frames as Whisper's audio.py makes them, [frames, 80]."""
    padded = np.pad(waveform, 200, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    powers = np.abs(np.fft.rfft(windows * hann)) ** 2
    bands = powers @ whisper_encoder.SCALE.matrix()
    found = np.log10(np.maximum(bands, 1e-10))
    return (np.maximum(found, found.max() - 8) + 4) / 4


def test_the_graph_computes_what_numpy_does(model: keras.Model) -> None:
    waveform = sounds.sweep(0.5)
    front_end = keras.Model(model.input, model.get_layer("scaling").output)
    frames = _frames(waveform)
    np.testing.assert_allclose(front_end(waveform[None])[0], frames, atol=1e-4)
    expected = _forward(_stored(), frames)
    found = np.asarray(model(waveform[None]))[0, :, 0]
    assert found.shape == (25, SIZES.width)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(_forward(_stored(), frames[::-1]) - expected).max() > 0.1


def test_every_block_can_be_cut(model: keras.Model) -> None:
    waveform = sounds.sweep(0.5)[None]
    whole = np.asarray(model(waveform))
    for anchor in whisper_encoder.cut_anchors(SIZES).values():
        halves = split.split_at(model, anchor)
        (features,) = split.FrozenTrunk(halves.trunk)(waveform)
        np.testing.assert_allclose(halves.tail([features]), whole, atol=1e-6)


def test_the_table_says_what_the_network_is() -> None:
    backbone = audio_backbone.BACKBONES[audio_backbone.WHISPER_ENCODER]
    inputs = keras.Input([SAMPLES])
    windows = Windows(whisper_encoder.SAMPLE_RATE, 0.5)
    network = audio_networks.NETWORKS[backbone.name]
    model = keras.Model(inputs, network.build(inputs, windows))
    assert model.count_params() == backbone.parameters
    assert tuple(network.cut_anchors()) == backbone.blocks.names
    assert len(network.centres(windows)) == model.output.shape[1]


def _file(variables: dict[str, np.ndarray]) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<I", 3)]
    parts.append(struct.pack("<I", len(variables)))
    for name, numbers in variables.items():
        kind = {"float32": 0, "int8": 1, "float16": 4}[str(numbers.dtype)]
        shape = struct.pack(f"<B{numbers.ndim}I", numbers.ndim, *numbers.shape)
        size = struct.pack("<BI", kind, numbers.nbytes)
        parts += [text(name), shape, size, numbers.tobytes()]
    return b"".join(parts)


def test_numbers_of_a_file_of_ctranslate2() -> None:
    content = _file(
        {
            "decoder/a": np.ones([2], np.float32),
            "encoder/b": np.arange(6, dtype=np.float16).reshape(2, 3),
            "encoder/heads": np.int8(6),
            "encoder/c": np.float32([0.5]),
        }
    )
    found = ctranslate2_file.read(content, prefix="encoder/")
    assert {name: one.tolist() for name, one in found.items()} == {
        "encoder/b": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "encoder/c": [0.5],
    }
    with pytest.raises(ValueError, match="expected a whole file"):
        ctranslate2_file.read(content[:-2], prefix="encoder/")
    with pytest.raises(ValueError, match="expected version 6, received 7"):
        ctranslate2_file.read(b"\x07" + content[1:], prefix="encoder/")
