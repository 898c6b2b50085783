"""The speech embedding against what its original computes."""

import io
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import errors
from kft.backbones import package_files
from kft.backbones.audio import (
    audio_backbone,
    onnx_file,
    speech_embedding,
    speech_embedding_weights,
)
from kft.model import split

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

REFERENCE = Path(__file__).parent / "speech_embedding.npz"


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return _model(sounds.sweep(1.5))


def _model(waveform: np.ndarray, windows: int = 1) -> keras.Model:
    inputs = keras.Input([waveform.shape[-1]])
    model = keras.Model(inputs, speech_embedding.build(inputs, windows=windows))
    speech_embedding_weights.assign(model, _random_numbers(model))
    return model


def _random_numbers(model: keras.Model) -> dict[str, np.ndarray]:
    shapes = {}
    for layer, names in speech_embedding.stored_names().items():
        for variable in model.get_layer(layer).weights:
            shape = tuple(variable.shape)
            if len(shape) == 4:
                shape = (shape[3], shape[2], shape[0], shape[1])
            shapes[names[variable.name]] = shape
    return sounds.random_numbers(shapes)


def test_the_front_end_is_that_of_the_original(model: keras.Model) -> None:
    front_end = keras.Model(model.input, model.get_layer("log_mel").output)
    found = front_end(sounds.sweep(1.5)[None])[0]
    expected = np.load(REFERENCE)["decibels"]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_one_pass_is_the_original_on_windows_of_it(model: keras.Model) -> None:
    found = np.asarray(model(sounds.sweep(1.5)[None]))[0, :, 0]
    expected = np.load(REFERENCE)["outputs"]
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_windows_are_answered_apart(model: keras.Model) -> None:
    # Of 96 frames and, with one sample more than these need, of 97.
    for samples in (512 + 95 * 160, 512 + 96 * 160):
        both = np.stack([sounds.sweep(3.0)[at : at + samples] for at in (0, 20_000)])
        one = np.asarray(_model(both)(both))
        side_by_side = both.reshape(1, -1)
        together = np.asarray(_model(side_by_side, windows=2)(side_by_side))
        expected = one.reshape(-1, *one.shape[2:])
        np.testing.assert_allclose(together[0], expected, atol=1e-4)


def test_every_block_can_be_cut(model: keras.Model) -> None:
    waveform = sounds.sweep(1.5)[None]
    whole = np.asarray(model(waveform))
    anchors = speech_embedding.cut_anchors()
    backbone = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING]
    assert tuple(anchors) == speech_embedding.BLOCKS.names == backbone.blocks.names
    for anchor in anchors.values():
        halves = split.split_at(model, anchor)
        (features,) = split.FrozenTrunk(halves.trunk)(waveform)
        np.testing.assert_array_equal(halves.tail([features]), whole)


def test_the_table_says_what_the_network_is(model: keras.Model) -> None:
    backbone = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING]
    assert model.count_params() == backbone.parameters
    assert backbone.min_seconds >= speech_embedding.MIN_SECONDS
    assert backbone.sample_rate == speech_embedding.SAMPLE_RATE


def test_numbers_of_an_onnx_file_are_those_that_onnx_reads() -> None:
    onnx = pytest.importorskip("onnx")
    kept = {"a/b:0": np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4)}
    kept["c"] = np.float32([1.5])
    tensors = [onnx.numpy_helper.from_array(v, k) for k, v in kept.items()]
    tensors.append(onnx.numpy_helper.from_array(np.int64([3]), "shape"))
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    content = onnx.helper.make_model(graph).SerializeToString()
    found = onnx_file.read(content)
    assert found.keys() == kept.keys()
    for name, numbers in kept.items():
        np.testing.assert_array_equal(found[name], numbers)
    for end in range(1, len(content), 7):
        try:
            onnx_file.read(content[:end])
        except ValueError:
            continue


def test_a_wheel_with_other_numbers_is_refused(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("embedding_model.onnx", b"")
    monkeypatch.setattr(package_files, "find", lambda package: zipfile.Path(content))
    with pytest.raises(errors.ConfigError, match=r"expected model/.*it is missing"):
        speech_embedding_weights.load(model)


@pytest.mark.integration
def test_the_published_weights_give_what_the_original_does() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    package = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING].package
    try:
        folder = package_files.find(package)
    except errors.ConfigError as error:
        pytest.skip(str(error))
    waveform = sounds.sweep(1.5)[None]
    model = _model(waveform)
    speech_embedding_weights.load(model)
    content = folder.joinpath("embedding_model.onnx").read_bytes()
    original = onnxruntime.InferenceSession(content)
    scaled = keras.Model(model.input, model.get_layer("scaling").output)(waveform)[0]
    scaled = np.asarray(scaled)[..., None]
    starts = range(0, len(scaled) - 75, 8)
    windows = np.stack([scaled[start : start + 76] for start in starts])
    (expected,) = original.run(None, {"input_1": windows})
    np.testing.assert_allclose(
        np.asarray(model(waveform))[0, :, 0], expected.reshape(-1, 96), atol=1e-4
    )
