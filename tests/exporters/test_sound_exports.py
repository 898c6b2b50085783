"""Each family of networks of sounds and of speech in each format, or why not."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kft import errors, exporters, tasks
from kft.config import AudioClassificationConfig, RunConfig
from kft.data import sample
from kft.data.examples import Examples
from kft.evaluation.load_run import LoadedRun
from kft.exporters import export_run, parity, standalone_runner
from kft.exporters.serving_model import ServingModel
from kft.exporters.standalone_runner import Job
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Task
from tests import deep_speech_checkpoint, yamnet_file

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)
tiny_whisper = pytest.importorskip("tests.tiny_whisper", reason="needs the extra text")

FORMATS = {"saved_model": "1", "litert": "model.tflite", "onnx": "model.onnx"}


@dataclasses.dataclass(frozen=True)
class Family:
    """Options of a small network; `{folder}` is where its data and weights are."""

    options: Mapping[str, Any]
    is_of_speech: bool = False
    refuses: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def config(self, folder: Path) -> RunConfig:
        options = {
            name: value.format(folder=folder) if isinstance(value, str) else value
            for name, value in self.options.items()
        }
        if self.is_of_speech:
            return spoken_letters.config(folder, "run", **options)
        return AudioClassificationConfig(
            dataset=f"folder:{folder / 'tones'}", run_dir=str(folder / "run"), **options
        )


def _sound(backbone: str, seconds: float, weights: str = "none") -> Family:
    return Family({"backbone": backbone, "seconds": seconds, "weights": weights})


def _speech(backbone: str, weights: str = "none", **refuses: str) -> Family:
    return Family({"backbone": backbone, "weights": weights}, True, refuses)


_LOOP = "it goes on until its answer is whole, in a loop"
_RECURRENT = "it has recurrent layers .*, which LiteRT's own operations cannot run"


# As the tables of docs/sounds.md and docs/speech.md call them.
FAMILIES = {
    "SpeechEmbedding": _sound("SpeechEmbedding", 0.8),
    "WhisperTinyEnEncoder": _sound("WhisperTinyEnEncoder", 0.4),
    "YAMNet": _sound("YAMNet", 1.6, "{folder}/yamnet.h5"),
    "MobileNetV2": _sound("MobileNetV2", 0.6),
    "HamaConformer": _speech("HamaConformer"),
    "DeepSpeech-0.9": _speech("DeepSpeech-0.9", "{folder}/mozilla", litert=_RECURRENT),
    "DeepSpeech2-Small": _speech("DeepSpeech2-Small", litert=_RECURRENT),
    "Whisper": _speech("{folder}/whisper", "pretrained", litert=_LOOP, onnx=_LOOP),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports")
    sounds.folder_of_tones(path / "tones", count=12)
    spoken_letters.write_table(path / "data", count=24)
    yamnet_file.write(path / "yamnet.h5", yamnet_file.numbers())
    numbers = deep_speech_checkpoint.numbers(width=16)
    deep_speech_checkpoint.write(path / "mozilla", numbers)
    tiny_whisper.write(path / "whisper")
    return path


@pytest.fixture(scope="module", params=FAMILIES)
def served(
    request: pytest.FixtureRequest, folder: Path
) -> tuple[str, ServingModel, parity.ParityBatch]:
    """Return a name, its network as it begins, and what that says of sounds."""
    keras.utils.set_random_seed(0)
    config = FAMILIES[request.param].config(folder)
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    network = task.network()
    loaded = (config, RunDir(folder / "run"), splits.labels, task, network)
    model = ServingModel(LoadedRun(*loaded, devices=None))
    _let_signals_keep_their_size(network.model, task, splits.train)
    return request.param, model, parity.make_batch(model, splits.train, 12)


def _let_signals_keep_their_size(
    model: keras.Model, task: Task, examples: Examples
) -> None:
    """Set the statistics of BatchNorm to those of some sounds.

    Else a network that nobody trained says the same of all sounds.
    """
    norms = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    chosen = task.inputs.prepare(sample.spread(examples, 8))
    loaded = sample.load(chosen, task.inputs.preprocess(training=False))
    batch = sample.stack(loaded, task.inputs.spec, task.inputs.boundaries)
    for norm in norms:
        norm.momentum = 0.0
    model(batch, training=True)


class _Here:
    """Asks an export in this process, for every export of this file."""

    def __init__(self, name: str, folder: Path) -> None:
        self._format = str(exporters.EXPORTERS[name].format.__file__)
        self._folder = folder

    def ask(
        self, export: Path, questions: Mapping[str, Any], *, output: str, seconds: float
    ) -> dict[str, np.ndarray]:
        asked, said = self._folder / "questions.npz", self._folder / "answers.npz"
        np.savez(asked, **questions)
        job = Job(str(export), output, str(asked), str(said), seconds)
        standalone_runner.run(self._format, job)
        with np.load(said) as file:
            return dict(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_an_export_answers_as_the_network_or_is_refused(
    served: tuple[str, ServingModel, parity.ParityBatch],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family, model, questions = served
    for package in exporters.EXPORTERS[name].packages:
        pytest.importorskip(package)
    if name in FAMILIES[family].refuses:
        reason = FAMILIES[family].refuses[name]
        with pytest.raises(errors.ConfigError, match=f"not {name}, for {reason}"):
            export_run._check_formats(model, [name])
        # As it is before training.
        assert name in tasks.kind(model.run.config.task).without_formats(
            model.run.config
        )
        return
    export_run._check_formats(model, [name])
    monkeypatch.setattr(parity, "_SECONDS", 0.01)
    path = tmp_path / FORMATS[name]
    exporters.EXPORTERS[name].format.write(model, path, exporters.FormatOptions())
    found = parity.certify(name, path, questions, "none", process=_Here(name, tmp_path))
    # For the tables of docs/sounds.md and docs/speech.md: pytest -s shows it.
    print(f"{family} as {name}: {found.largest_difference:.1e}")
    assert found.passed, found.problem
    assert found.top1_agreement == 1.0
    if family != "Whisper":
        # Which says the same of all sounds before it is trained; with a trained one,
        # see test_attention_recogniser.py.
        assert questions.scores.std(axis=0).max() > 1e-3
