"""YAMNet against TensorFlow's front end, and an independent forward pass in NumPy."""

import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.backbones.audio import (
    audio_backbone,
    audio_networks,
    audio_weights,
    yamnet,
    yamnet_weights,
)
from kft.data.audio.windows import Windows
from kft.model import split
from tests import yamnet_file

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

BACKBONE = audio_backbone.BACKBONES[audio_backbone.YAMNET]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yamnet")
    return yamnet_file.write(folder / "yamnet.h5", yamnet_file.numbers())


def _graph(samples: int, windows: int = 1) -> keras.Model:
    inputs = keras.Input([samples])
    return keras.Model(inputs, yamnet.build(inputs, windows=windows))


@pytest.fixture(scope="module")
def model(path: Path) -> keras.Model:
    # Two patches and a part of a third.
    model = _graph(26_000)
    yamnet_weights.load(model, str(path))
    return model


def _log_mel(waveform: np.ndarray) -> np.ndarray:
    """Return [frames, 64] by the operations that the original calls."""
    spectrum = tf.abs(tf.signal.stft(waveform, 400, 160, 512))
    bank = tf.signal.linear_to_mel_weight_matrix(64, 257, 16_000, 125.0, 7500.0)
    return tf.math.log(spectrum @ bank + 0.001).numpy()


def _patches(waveform: np.ndarray) -> np.ndarray:
    frames = _log_mel(waveform)
    return np.stack([frames[at : at + 96] for at in range(0, len(frames) - 95, 48)])


def _forward(patch: np.ndarray) -> np.ndarray:
    """Return the embedding [1024] of a patch [96, 64], in float64."""
    stored = yamnet_file.numbers()

    def windows(x: np.ndarray, stride: int) -> np.ndarray:
        sides = []
        for size in x.shape[:2]:
            all_ = max((-(-size // stride) - 1) * stride + 3 - size, 0)
            sides.append((all_ // 2, all_ - all_ // 2))
        padded = np.pad(x, (*sides, (0, 0)))
        found = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        return found[::stride, ::stride]

    def normed(x: np.ndarray, layer: str) -> np.ndarray:
        mean = stored[f"{layer}/bn moving_mean"]
        spread = np.sqrt(stored[f"{layer}/bn moving_variance"] + 1e-4)
        return np.maximum((x - mean) / spread + stored[f"{layer}/bn beta"], 0.0)

    x = patch[..., None].astype(np.float64)
    kernel = stored["layer1/conv kernel"]
    x = np.einsum("tbcij,ijco->tbo", windows(x, 2), kernel)
    x = normed(x, "layer1/conv")
    for number, (_, stride) in enumerate(yamnet_file.LAYERS[1:], start=2):
        layer = f"layer{number}/depthwise_conv"
        kernel = stored[f"{layer} depthwise_kernel"][..., 0]
        x = np.einsum("tbcij,ijc->tbc", windows(x, stride), kernel)
        x = normed(x, layer)
        layer = f"layer{number}/pointwise_conv"
        x = normed(x @ stored[f"{layer} kernel"][0, 0], layer)
    return x.mean(axis=(0, 1))


def test_the_front_end_gives_what_the_operations_of_the_original_give(
    model: keras.Model,
) -> None:
    waveform = sounds.sweep(1.625)
    front_end = keras.Model(model.input, model.get_layer("log_mel").output)
    found = front_end(waveform[None]).numpy()[0]
    # Up to the end of the third patch there is silence.
    expected = _patches(np.pad(waveform, (0, 15_600 + 2 * 7_680 - 26_000)))
    assert found.shape == expected.shape == (3, 96, 64)
    assert expected.std() > 1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_sound_shorter_than_a_patch_has_silence_behind_it() -> None:
    waveform = sounds.sweep(0.5)
    model = _graph(8_000)
    front_end = keras.Model(model.input, model.get_layer("log_mel").output)
    expected = _patches(np.pad(waveform, (0, 7_600)))
    np.testing.assert_allclose(front_end(waveform[None])[0], expected, atol=1e-3)


def test_the_graph_computes_what_numpy_does(model: keras.Model) -> None:
    waveform = sounds.sweep(1.625)
    front_end = keras.Model(model.input, model.get_layer("log_mel").output)
    patches = front_end(waveform[None]).numpy()[0]
    found = np.asarray(model(waveform[None]))[0, :, 0]
    expected = np.stack([_forward(patch) for patch in patches])
    assert found.shape == (3, 1024)
    assert np.abs(expected).max() > 0.5
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_windows_are_answered_apart(path: Path, model: keras.Model) -> None:
    both = np.stack([sounds.sweep(3.0)[at : at + 26_000] for at in (0, 20_000)])
    together = _graph(52_000, windows=2)
    yamnet_weights.load(together, str(path))
    found = np.asarray(together(both.reshape(1, -1)))
    expected = np.asarray(model(both)).reshape(1, 6, 1, 1024)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_block_can_be_cut(model: keras.Model) -> None:
    waveforms = np.stack([sounds.sweep(1.625), -0.5 * sounds.sweep(1.625)[::-1]])
    whole = np.asarray(model(waveforms))
    anchors = yamnet.cut_anchors()
    assert tuple(anchors) == yamnet.BLOCKS.names == BACKBONE.blocks.names
    for anchor in anchors.values():
        halves = split.split_at(model, anchor)
        (features,) = split.FrozenTrunk(halves.trunk)(waveforms)
        # One row of features for each example: what a stored trunk needs.
        assert features.shape[:2] == (2, 3)
        np.testing.assert_allclose(halves.tail([features]), whole, atol=1e-6)


def test_the_table_says_what_the_network_is(model: keras.Model) -> None:
    assert model.count_params() == BACKBONE.parameters
    windows = Windows(BACKBONE.sample_rate, BACKBONE.seconds, count=2)
    centres = audio_networks.NETWORKS[BACKBONE.name].centres(windows)
    assert len(centres) == 18
    # A patch of 0.975 s, each 0.48 s after the one before it.
    middles = 0.4875 + 0.48 * np.arange(9)
    np.testing.assert_allclose(centres[:9], middles / (2 * 4.815))
    np.testing.assert_allclose(centres[9:], centres[:9] + 0.5)
    assert audio_networks.NETWORKS[BACKBONE.name].centres(
        Windows(16_000, 0.1)
    ).tolist() == [1.0]


def test_a_file_that_lacks_numbers_or_has_others_is_named(
    model: keras.Model, tmp_path: Path
) -> None:
    lacking, other = yamnet_file.numbers(), yamnet_file.numbers()
    del lacking["layer9/pointwise_conv/bn beta"]
    other["layer3/depthwise_conv depthwise_kernel"] = np.zeros([3, 3, 63, 1])
    before = [variable.numpy() for variable in model.variables]
    for weights, said in (
        (lacking, r"layer9/pointwise_conv/bn/beta:0' is missing, for layer layer_9"),
        (other, r"shape \(3, 3, 64, 1\), in the file .* \(3, 3, 63, 1\)"),
    ):
        file = yamnet_file.write(tmp_path / "yamnet.h5", weights)
        with pytest.raises(errors.ConfigError, match=f"not load into YAMNet.*{said}"):
            yamnet_weights.load(model, str(file))
        file.unlink()
    for variable, numbers in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, numbers)


def _wrong_files(folder: Path) -> dict[str, str]:
    """Write what people take for yamnet.h5; return what is said of each."""
    (folder / "hub").mkdir()
    (folder / "hub/saved_model.pb").write_bytes(b"")
    (folder / "empty").mkdir()
    with tarfile.open(folder / "yamnet_1.tar.gz", "w:gz") as archive:
        archive.add(folder / "hub", "hub")
    (folder / "yamnet.tflite").write_bytes(b"TFL3")
    (folder / "renamed.h5").write_bytes((folder / "yamnet_1.tar.gz").read_bytes())
    return {
        "hub": "received a SavedModel",
        "empty": "received a folder",
        "yamnet_1.tar.gz": "received an archive",
        "yamnet.tflite": "received a network of LiteRT",
        "renamed.h5": "received a file that is no HDF5",
        "missing.h5": "there is no such file",
    }


def test_weights_that_it_cannot_begin_with_are_named(
    path: Path, tmp_path: Path
) -> None:
    for name, said in _wrong_files(tmp_path).items():
        with pytest.raises(
            errors.ConfigError,
            match=f"=.*{name}: expected the path of yamnet.h5.*{said}.*Its authors",
        ):
            audio_weights.check(BACKBONE, str(tmp_path / name))
    with pytest.raises(
        errors.ConfigError, match=r"no package brings .*Download yamnet.h5.*=none"
    ):
        audio_weights.check(BACKBONE, "pretrained")
    for weights in ("none", str(path)):
        audio_weights.check(BACKBONE, weights)
    embedding = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING]
    with pytest.raises(errors.ConfigError, match="expected pretrained or none for Sp"):
        audio_weights.check(embedding, str(path))
