"""DeepSpeech at random weights, beside the operations that it is made of."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import errors
from kft.backbones.audio import (
    deep_speech,
    deep_speech_checkpoint,
    deep_speech_folder,
    speech_backbone,
)
from kft.backbones.audio.deep_speech import DeepSpeechSizes
from kft.backbones.audio.mfcc import Mfcc, MfccSizes
from kft.model import split
from tests import deep_speech_checkpoint as checkpoints

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

WIDTH = 12
SIZES = DeepSpeechSizes(width=WIDTH)


def _samples() -> np.ndarray:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, 16_000).astype(np.float32)
    return noise + 0.4 * sounds.sweep(1.0)[: len(noise)]


def _rows(samples: np.ndarray, *, more: int = 0) -> dict[str, np.ndarray]:
    """Return samples as rows that end in silence, with rows that only fill up."""
    rows = np.pad(samples, (0, 320 - len(samples) % 320)).reshape(1, -1, 320)
    filled = np.pad(rows, ((0, 0), (0, more), (0, 0)), constant_values=0.3)
    mask = np.pad(np.ones(rows.shape[:2], np.int32), ((0, 0), (0, more)))
    return {"rows": filled.astype(np.float32), "mask": mask}


def _network(sizes: DeepSpeechSizes, outputs: int = 29) -> keras.Model:
    rows = keras.Input([None, 320], name="rows")
    mask = keras.Input([None], dtype="int32", name="mask")
    steps = deep_speech.build(rows, mask, sizes)
    logits = keras.layers.Dense(outputs, name="head")(steps)
    return keras.Model({"rows": rows, "mask": mask}, logits)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deep_speech")
    return checkpoints.write(path, checkpoints.numbers(width=WIDTH))


@pytest.fixture(scope="module")
def model(folder: Path) -> keras.Model:
    made = _network(deep_speech_checkpoint.sizes(str(folder)))
    head = deep_speech_checkpoint.assign(made, str(folder))
    made.get_layer("head").set_weights([head.kernel, head.bias])
    return made


def test_the_front_end_gives_what_the_operations_of_tensorflow_give() -> None:
    samples = _samples()
    expected = checkpoints.coefficients(np.pad(samples, (0, 512)))[:51]
    assert expected.std() > 1
    found = Mfcc(MfccSizes())(_rows(samples)["rows"]).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    # Rows are as long as the distance between frames; silence has its own floor.
    silence = Mfcc(MfccSizes())(np.zeros([1, 3, 320], np.float32)).numpy()[0]
    expected = checkpoints.coefficients(np.zeros(3 * 320 + 192, np.float32))
    np.testing.assert_allclose(silence, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("more", [0, 6])
def test_the_graph_gives_what_its_operations_give(
    model: keras.Model, more: int
) -> None:
    samples, arrays = _samples(), checkpoints.numbers(width=WIDTH)
    frames = checkpoints.coefficients(np.pad(samples, (0, 512)))[:51]
    expected = checkpoints.logits(arrays, frames)
    found = model(_rows(samples, more=more)).numpy()[0, :51]
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_every_block_can_be_cut(model: keras.Model) -> None:
    inputs = _rows(_samples(), more=2)
    whole = model(inputs).numpy()
    anchors = deep_speech.cut_anchors()
    backbone = speech_backbone.get(speech_backbone.DEEP_SPEECH)
    assert tuple(anchors) == backbone.blocks.names
    trained = []
    for name, anchor in anchors.items():
        halves = split.split_at(model, anchor)
        cut = split.FrozenTrunk(halves.trunk)(inputs)
        np.testing.assert_allclose(halves.tail(cut).numpy(), whole, atol=1e-5)
        trained.append({one.name for one in halves.tail.layers if one.weights})
        assert name in trained[-1]
    assert [len(one) for one in trained] == [6, 5, 4, 3, 2]


def test_the_table_counts_its_parameters() -> None:
    width, frames = DeepSpeechSizes().width, 19 * 26
    dense = frames * width + width + 3 * (width * width + width)
    lstm = 4 * (2 * width * width + width)
    backbone = speech_backbone.get(speech_backbone.DEEP_SPEECH)
    assert backbone.parameters == dense + lstm
    small = _network(SIZES)
    own = sum(w.shape.num_elements() for w in small.layers[-1].weights)
    assert small.count_params() - own == (
        (frames + 1) * WIDTH + 3 * (WIDTH + 1) * WIDTH + 4 * (2 * WIDTH + 1) * WIDTH
    )


def test_the_head_comes_with_the_signs_of_the_alphabet(folder: Path, tmp_path) -> None:
    arrays = checkpoints.numbers(width=WIDTH)
    head = deep_speech_checkpoint.assign(_network(SIZES), str(folder))
    assert [head.places[sign] for sign in (" ", "a", "'", "<blank>")] == [0, 1, 27, 28]
    np.testing.assert_array_equal(head.kernel, arrays["layer_6/weights"])
    other = checkpoints.numbers(width=WIDTH, outputs=4)
    checkpoints.write(tmp_path, other)
    with pytest.raises(errors.ConfigError, match="3 symbols and the blank.*alphabet"):
        deep_speech_checkpoint.assign(_network(SIZES), str(tmp_path))
    (tmp_path / "alphabet.txt").write_text("# of a test\n \nä\nb\n# the end\n")
    head = deep_speech_checkpoint.assign(_network(SIZES), str(tmp_path))
    assert head.places == {" ": 0, "ä": 1, "b": 2, "<blank>": 3}


def test_the_best_checkpoint_counts_before_the_last(tmp_path: Path) -> None:
    for name in ("train-9", "best_dev-7"):
        (tmp_path / f"{name}.index").touch()
    with pytest.raises(errors.ConfigError, match="best_dev-7.index, train-9.index"):
        deep_speech_folder.find(str(tmp_path))
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "train-9"\n')
    assert deep_speech_folder.find(str(tmp_path)).name == "train-9"
    state = 'model_checkpoint_path: "C:\\\\a\\\\best_dev-7"\nall_model: "x"'
    (tmp_path / "best_dev_checkpoint").write_text(state)
    assert deep_speech_folder.find(str(tmp_path)) == tmp_path / "best_dev-7"
    for path in ("train-9", "train-9.index"):
        assert deep_speech_folder.find(str(tmp_path / path)) == tmp_path / "train-9"


@pytest.mark.parametrize("name", ["nothing", "deepspeech-0.9.3-models.pbmm"])
def test_what_is_no_checkpoint_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "deepspeech-0.9.3-models.pbmm").touch()
    with pytest.raises(errors.ConfigError, match="expected the folder of a checkpoint"):
        deep_speech_folder.find(str(tmp_path / name))
    with pytest.raises(errors.ConfigError, match="found none.*are no checkpoints"):
        deep_speech_folder.find(str(tmp_path))


def _without(name: str) -> dict[str, np.ndarray]:
    arrays = checkpoints.numbers(width=WIDTH)
    del arrays[name]
    return arrays


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        (_without("layer_5/bias"), "layer_5/bias is missing"),
        (_without("layer_1/bias"), "layer_1/bias is missing, "),
        (
            {**_without("layer_2/bias"), "layer_2/bias": np.zeros(5, np.float32)},
            f"layer_2/bias is [5], expected [{WIDTH}]",
        ),
        (
            {**_without("layer_6/bias"), "layer_6/bias": np.zeros(5, np.float32)},
            f"layer_6/weights is [{WIDTH}, 29], expected [{WIDTH}, 5]",
        ),
        (
            {**_without("beta1_power"), "layer_1/LayerNorm/beta": np.zeros(WIDTH)},
            "layer_1/LayerNorm/beta is nothing of DeepSpeech 0.9",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_told(
    tmp_path: Path, arrays: dict[str, np.ndarray], told: str
) -> None:
    checkpoints.write(tmp_path, arrays)
    with pytest.raises(errors.ConfigError, match=re.escape(told)):
        deep_speech_checkpoint.sizes(str(tmp_path))


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, checkpoints.numbers(width=WIDTH))
    index = tmp_path / "best_dev-7.index"
    index.write_bytes(index.read_bytes()[:50])
    with pytest.raises(errors.ConfigError, match="cannot be read as a checkpoint"):
        deep_speech_checkpoint.sizes(str(tmp_path))
