"""The Conformer against an independent forward pass in NumPy, at random weights."""

import math
import struct

import keras
import numpy as np
import pytest
import scipy.special

from kft.backbones.audio import conformer, conformer_weights, hama_file
from kft.backbones.audio.conformer import ConformerSizes
from kft.model import split

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

SIZES = ConformerSizes(width=24, layers=2, heads=3, kernel=5)
SYMBOLS = 7
PLACE = "acoustic_model.model"


def _stored() -> dict[str, np.ndarray]:
    """Return random weights by the names that hama has for them."""
    width, shapes, norms = SIZES.width, {}, []
    shapes["onnx::Conv_800"] = (width, 80, 3)
    shapes["onnx::Conv_801"] = (width,)
    number = 802
    for layer in range(SIZES.layers):
        block = f"{PLACE}.blocks.{layer}"
        sizes = [(1, 4), (4, 1), (1, 3), (1, 1), (1, 4), (4, 1)]
        for rank, (rows, columns) in enumerate(sizes):
            name = f"onnx::MatMul_{900 + 10 * layer + rank}"
            shapes[name] = (rows * width, columns * width)
        for part in ("ffn1", "ffn2"):
            norms.append(f"{block}.{part}.norm")
            shapes[f"{block}.{part}.fc1.bias"] = (4 * width,)
            shapes[f"{block}.{part}.fc2.bias"] = (width,)
        norms += [f"{block}.attn_norm", f"{block}.conv.norm", f"{block}.norm"]
        shapes[f"{block}.attn.in_proj_bias"] = (3 * width,)
        shapes[f"{block}.attn.out_proj.bias"] = (width,)
        for part, factor in (("pointwise1", 2), ("pointwise2", 1)):
            shapes[f"{block}.conv.{part}.weight"] = (factor * width, width, 1)
            shapes[f"{block}.conv.{part}.bias"] = (factor * width,)
        shapes[f"onnx::Conv_{number}"] = (width, 1, SIZES.kernel)
        shapes[f"onnx::Conv_{number + 1}"] = (width,)
        number += 2
    shapes[f"{PLACE}.proj.weight"] = (SYMBOLS, width, 1)
    shapes[f"{PLACE}.proj.bias"] = (SYMBOLS,)
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    found = sounds.random_numbers(shapes)
    samples = np.arange(400)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * samples / 400)
    angles = 2 * np.pi * np.arange(201)[:, None] * samples / 400
    found["stft_real_kernel"] = (hann * np.cos(angles))[:, None].astype(np.float32)
    found["stft_imag_kernel"] = (-hann * np.sin(angles))[:, None].astype(np.float32)
    rng = np.random.default_rng(0)
    found["mel_fb"] = rng.uniform(0, 0.02, (201, 80)).astype(np.float32)
    return found


def _forward(stored: dict[str, np.ndarray], samples: np.ndarray) -> np.ndarray:
    """Return the logits [steps, symbols] of samples, mirrored at both ends."""
    padded = np.pad(samples.astype(np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160]
    real, imaginary = (
        frames @ stored[f"stft_{part}_kernel"][:, 0].T for part in ("real", "imag")
    )
    bands = np.log(np.maximum((real**2 + imaginary**2) @ stored["mel_fb"], 1e-10))
    x = _convolved(bands, stored["onnx::Conv_800"], 1)[::2] + stored["onnx::Conv_801"]
    x = x * 0.5 * (1 + scipy.special.erf(x / math.sqrt(2)))
    for layer in range(SIZES.layers):
        x = _block(stored, x, layer)
    return x @ stored[f"{PLACE}.proj.weight"][..., 0].T + stored[f"{PLACE}.proj.bias"]


def _convolved(x: np.ndarray, kernel: np.ndarray, side: int) -> np.ndarray:
    around = np.pad(x, ((side, side), (0, 0)))
    parts = np.lib.stride_tricks.sliding_window_view(around, 2 * side + 1, axis=0)
    return np.einsum("tck,ock->to", parts, kernel)


def _block(stored: dict[str, np.ndarray], x: np.ndarray, layer: int) -> np.ndarray:
    block = f"{PLACE}.blocks.{layer}"
    matrices = [stored[f"onnx::MatMul_{900 + 10 * layer + rank}"] for rank in range(6)]

    def silu(x: np.ndarray) -> np.ndarray:
        return x * scipy.special.expit(x)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(
            x.var(axis=-1, keepdims=True) + 1e-5
        )
        return (
            scaled * stored[f"{block}.{name}.weight"] + stored[f"{block}.{name}.bias"]
        )

    def dense(x: np.ndarray, part: str, first: np.ndarray, second: np.ndarray):
        y = silu(norm(x, f"{part}.norm") @ first + stored[f"{block}.{part}.fc1.bias"])
        return y @ second + stored[f"{block}.{part}.fc2.bias"]

    def pointwise(x: np.ndarray, part: str) -> np.ndarray:
        kernel = stored[f"{block}.conv.{part}.weight"][..., 0]
        return x @ kernel.T + stored[f"{block}.conv.{part}.bias"]

    x = x + 0.5 * dense(x, "ffn1", matrices[0], matrices[1])
    mixed = norm(x, "attn_norm") @ matrices[2] + stored[f"{block}.attn.in_proj_bias"]
    queries, keys, values = (
        part.reshape(len(x), SIZES.heads, -1).transpose(1, 0, 2)
        for part in np.split(mixed, 3, axis=1)
    )
    scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(SIZES.width / SIZES.heads)
    read = scipy.special.softmax(scores, axis=-1) @ values
    read = read.transpose(1, 0, 2).reshape(len(x), -1) @ matrices[3]
    x = x + read + stored[f"{block}.attn.out_proj.bias"]
    own, gates = np.split(pointwise(norm(x, "conv.norm"), "pointwise1"), 2, axis=1)
    kernel = stored[f"onnx::Conv_{802 + 2 * layer}"][:, 0]
    full = np.einsum("ck,cd->cdk", kernel, np.eye(SIZES.width))
    y = _convolved(own * scipy.special.expit(gates), full, SIZES.kernel // 2)
    y = silu(y + stored[f"onnx::Conv_{803 + 2 * layer}"])
    x = x + pointwise(y, "pointwise2")
    return norm(x + 0.5 * dense(x, "ffn2", matrices[4], matrices[5]), "norm")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    rows = keras.Input([None, conformer.SAMPLES_PER_STEP], name="rows")
    mask = keras.Input([None], dtype="int32", name="mask")
    steps = conformer.build(rows, mask, SIZES)
    logits = keras.layers.Dense(SYMBOLS, name="head")(steps)
    made = keras.Model({"rows": rows, "mask": mask}, logits)
    stored = _stored()
    conformer_weights.assign(made, stored, SIZES)
    head = conformer_weights.head(stored)
    made.get_layer("head").set_weights([head.kernel, head.bias])
    return made


def _rows(samples: np.ndarray, *, more: int = 0) -> dict[str, np.ndarray]:
    """Return samples and their mirrored end as rows, with rows that only fill up."""
    tail = samples[-201:-1][::-1]
    rows = np.concatenate([samples, tail, np.zeros(120)]).reshape(1, -1, 320)
    filled = np.pad(rows, ((0, 0), (0, more), (0, 0)), constant_values=0.3)
    mask = np.pad(np.ones(rows.shape[:2], np.int32), ((0, 0), (0, more)))
    return {"rows": filled.astype(np.float32), "mask": mask}


@pytest.mark.parametrize("more", [0, 6])
def test_the_graph_gives_what_numpy_gives(model: keras.Model, more: int) -> None:
    samples = sounds.sweep(0.8)
    expected = _forward(_stored(), samples)
    found = model(_rows(samples, more=more))[0].numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-4)


def test_every_block_can_be_cut(model: keras.Model) -> None:
    inputs = _rows(sounds.sweep(0.4), more=2)
    whole = model(inputs).numpy()
    anchors = conformer.cut_anchors(SIZES)
    assert tuple(anchors) == SIZES.blocks.names
    for anchor in anchors.values():
        halves = split.split_at(model, anchor)
        cut = split.FrozenTrunk(halves.trunk)(inputs)
        np.testing.assert_allclose(halves.tail(cut).numpy(), whole, atol=1e-5)


def _file(arrays: dict[str, np.ndarray]) -> bytes:
    head = b"HAMAPK\x01\x02" + struct.pack("<I", len(arrays))
    data = b""
    for name, array in arrays.items():
        shape = struct.pack(f"<{array.ndim}I", *array.shape)
        content = array.tobytes()
        head += struct.pack("<H", len(name)) + name.encode()
        head += bytes([int(array.dtype == np.float16), array.ndim]) + shape
        head += struct.pack("<QQ", len(data), len(content))
        data += content
    return head + b"\0" * (-len(head) % 16) + data


def test_a_file_of_hama_is_read() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "bb": np.array([0.5, -2.0], np.float16),
    }
    content = _file(arrays)
    found = hama_file.read(content)
    assert list(found) == ["a", "bb"]
    for name, array in arrays.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)
    for bad in (b"", b"words", content[:20], content[:-1]):
        with pytest.raises(ValueError, match="expected"):
            hama_file.read(bad)
