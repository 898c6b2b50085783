"""Weights that a recogniser begins with: DeepSpeech's, and those of another run."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.backbones.audio import speech_backbone
from kft.config import SpeechRecognitionConfig
from kft.data.audio.utterances import Utterances
from kft.data.labels import LabelMap
from kft.tasks.speech_recognition import speech_network
from kft.tasks.speech_recognition.ctc_serving import CtcServing
from kft.tasks.speech_recognition.text_decoder import TextDecoder
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import deep_speech_checkpoint as checkpoints
from tests import kept_weights

pytest.importorskip("jiwer", reason="needs the extra audio")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)

WIDTH = 16
SYMBOLS = LabelMap(("<space>", "'", "a", "é"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights")
    spoken_letters.write_table(path / "data", count=16)
    checkpoints.write(path / "mozilla", checkpoints.numbers(width=WIDTH))
    return path


def _config(folder: Path, name: str, **changes: object) -> SpeechRecognitionConfig:
    config = spoken_letters.config(
        folder,
        name,
        backbone=speech_backbone.DEEP_SPEECH,
        weights=str(folder / "mozilla"),
        stages="head:1@1e-2,lstm:1@1e-3",
    )
    return dataclasses.replace(config, **changes)


def _arrays(config: SpeechRecognitionConfig) -> dict[str, list[np.ndarray]]:
    """Return the weights that a network begins with, by its layers."""
    network = speech_network.build(config, symbols=SYMBOLS, weights=config.weights)
    return {one.name: one.get_weights() for one in network.model.layers if one.weights}


def test_the_head_keeps_the_checkpoint_s_rows(folder: Path) -> None:
    stored, found = checkpoints.numbers(width=WIDTH), _arrays(_config(folder, "head"))
    kernel, bias = found["symbol_logits"]
    rows = stored["layer_6/weights"]
    kept = {0: 0, 1: 27, 2: 1, 4: 28}
    for own, place in kept.items():
        np.testing.assert_array_equal(kernel[:, own], rows[:, place])
        assert bias[own] == stored["layer_6/bias"][place]
    assert bias[3] == 0
    np.testing.assert_array_equal(found["layer_2"][0], stored["layer_2/weights"])


@pytest.mark.parametrize("count", [1, 3])
def test_dropped_layers_begin_anew_and_others_do_not(folder: Path, count: int) -> None:
    config = _config(folder, "dropped")
    kept = _arrays(config)
    found = _arrays(dataclasses.replace(config, drop_source_layers=count))
    moved = [
        name
        for name, arrays in found.items()
        if not all(map(np.array_equal, arrays, kept[name]))
    ]
    assert moved == ["lstm", "layer_5", "symbol_logits"][-count:]
    assert np.all(found["symbol_logits"][1] == 0)


@pytest.mark.parametrize(
    ("symbols", "changes", "expected"),
    [
        (("<space>", "'", "a", "é"), {}, True),
        # What it says of the end of a word is no letter.
        (("<space>", "é"), {}, False),
        (("<space>", "a"), {"drop_source_layers": 1}, False),
        (("<space>", "a"), {"weights": "none"}, False),
    ],
)
def test_a_network_that_keeps_letters_of_its_own_writes_before_it_is_trained(
    folder: Path, symbols: tuple[str, ...], changes: dict[str, object], expected: bool
) -> None:
    config = _config(folder, "head", **changes)
    network = tasks.get(config, LabelMap(symbols)).network()
    assert network.head_is_pretrained is expected


@pytest.mark.slow
def test_what_it_writes_before_it_is_trained_is_epoch_0(folder: Path) -> None:
    first = _config(folder, "as_it_came", stages="all:1@1e-3")
    best = fine_tune(first, reporter=SilentReporter()).run_dir / "best.weights.h5"
    useless = {"stages": "head:1@1e-30", "weights": str(best)}
    config = _config(folder, "useless", **useless)
    result = fine_tune(config, reporter=SilentReporter())
    assert [one.epoch for one in result.history] == [0, 1]
    assert (result.best_stage, result.best_epoch) == ("head", 0)
    kept_weights.assert_equal(
        kept_weights.read(result.run_dir), kept_weights.read(best.parent)
    )


def test_a_run_from_a_checkpoint_needs_it_no_more_and_starts_another(
    folder: Path, capsys, caplog
) -> None:
    mozilla = shutil.copytree(folder / "mozilla", folder / "gone")
    config = _config(folder, "first", weights=str(mozilla))
    result = fine_tune(config, reporter=SilentReporter())
    shutil.rmtree(mozilla)
    assert json.loads((folder / "first/backbone/sizes.json").read_text()) == {
        "width": WIDTH
    }
    arguments = [f"--run_dir={folder / 'first'}", "--formats=saved_model"]
    assert kft_main.dispatch(["export", *arguments]) == 0
    certificate = json.loads((folder / "first/export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    card = (folder / "first/export/README.md").read_text()
    assert f"The weights come from {mozilla}: its terms apply." in card
    capsys.readouterr()
    first = kept_weights.read(result.run_dir)
    config = _config(folder, "second", weights=str(result.run_dir / "best.weights.h5"))
    labels = LabelMap(("b", "ü", "a"))
    network = tasks.get(config, labels).network().model
    head, kept = network.get_layer("symbol_logits").get_weights()[0], _head(first)
    np.testing.assert_array_equal(head[:, [0, 2, 3]], kept[:, [1, 0, 3]])
    second = fine_tune(config, reporter=SilentReporter())
    # An LSTM has a seed, with which nothing is drawn here.
    assert "did not move" not in caplog.text
    assert [one.name for one in second.stages] == ["head", "lstm"]
    license_ = tasks.get(config, labels).serving.card().license
    assert license_ is None


@pytest.mark.parametrize(
    ("backbone", "weights", "license_", "term"),
    [
        ("HamaConformer", "pretrained", "Apache-2.0", "are under Apache-2.0."),
        ("HamaConformer", "none", None, "are yours to license."),
        ("DeepSpeech-0.9", "of/mine", None, "come from of/mine: its terms apply."),
        ("DeepSpeech-0.9", "a.weights.h5", None, "a.weights.h5: its terms apply."),
    ],
)
def test_only_weights_of_a_known_origin_have_a_known_license(
    folder: Path, backbone: str, weights: str, license_: str | None, term: str
) -> None:
    config = _config(folder, "none", backbone=backbone, weights=weights)
    utterances = Utterances(sample_rate=16_000, samples_per_row=320, seconds=1.0)
    serving = CtcServing(config, SYMBOLS, utterances, TextDecoder())
    card = serving.card()
    assert card.license == license_
    assert card.terms[0].endswith(term)


def _head(weights: dict[str, np.ndarray]) -> np.ndarray:
    (kernel,) = (array for name, array in weights.items() if array.shape == (WIDTH, 4))
    return kernel


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weights": "pretrained"}, "expected the folder of a checkpoint"),
        ({"weights": "imagenet"}, "expected the folder of a checkpoint"),
        ({"weights": "gone/best.weights.h5"}, "there is no file"),
        ({"backbone": "HamaConformer"}, "expected pretrained, the path of a best"),
        ({"drop_source_layers": 6}, "has a head and 5 blocks"),
    ],
)
def test_weights_that_cannot_be_are_told_before_anything_is_loaded(
    folder: Path, changes: dict[str, object], told: str
) -> None:
    config = _config(folder, "none", **changes)
    with pytest.raises(errors.ConfigError, match=told):
        tasks.kind(config.task).check(config)


def test_a_run_s_weights_of_another_network_are_told(folder: Path, tmp_path) -> None:
    path = tmp_path / "best.weights.h5"
    config = _config(folder, "other", weights=str(path))
    path.write_bytes(b"words")
    with pytest.raises(errors.ConfigError, match="expected labels.txt beside it"):
        tasks.kind(config.task).check(config)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(errors.ConfigError, match="does not hold the weights of a run"):
        tasks.get(config, SYMBOLS).network()
    conformer = dataclasses.replace(
        config, backbone=speech_backbone.HAMA_CONFORMER, weights="none"
    )
    tasks.get(conformer, LabelMap(("a", "b"))).network().model.save_weights(path)
    with pytest.raises(errors.ConfigError, match="does not hold the weights of a run"):
        tasks.get(config, SYMBOLS).network()
