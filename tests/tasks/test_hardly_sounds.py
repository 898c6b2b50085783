"""Files that are hardly sounds, in training, in predict and in what is served.

What each of them is made of is looked at in tests/data/audio; here is who says what.
"""

import dataclasses
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import errors, tasks
from kft.config import AudioClassificationConfig, RunConfig
from kft.data import sample
from kft.data.examples import Examples
from kft.evaluation.load_run import LoadedRun
from kft.exporters.serving_model import ServingModel
from kft.inference import answers, input_files, predictor
from kft.run_folder.run_dir import RunDir
from tests import deep_speech_checkpoint

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)

SPOKEN = spoken_letters.spoken("ab")
WHOLE = sounds.encoded(SPOKEN)
SIX = np.repeat(spoken_letters.spoken("ab", rate=192_000)[:, None], 6, axis=1)
NAN = np.where(np.arange(len(SPOKEN)) == 99, np.nan, SPOKEN).astype(np.float32)
# What is wrong with each.
BAD = {
    "empty.wav": (b"", "cannot be read as a sound"),
    "words.wav": (b"these are words\n" * 40, "cannot be read as a sound: Format not"),
    "head.wav": (WHOLE[:44], "the sound has no samples"),
    "nan.wav": (sounds.encoded(NAN, subtype="FLOAT"), "samples that are no numbers"),
}
GOOD = {
    "truncated.wav": WHOLE[: len(WHOLE) * 3 // 4 + 1],
    "bits_8.wav": sounds.encoded(SPOKEN, subtype="PCM_U8"),
    "bits_24.wav": sounds.encoded(SPOKEN, subtype="PCM_24"),
    "bits_32.wav": sounds.encoded(SPOKEN, subtype="PCM_32"),
    "float.wav": sounds.encoded(SPOKEN, subtype="FLOAT"),
    "short.wav": sounds.encoded(SPOKEN[900:980]),
    "silence.wav": sounds.encoded(np.zeros_like(SPOKEN)),
    "six.wav": sounds.encoded(SIX, rate=192_000),
    "odd_rate.wav": sounds.encoded(SPOKEN, rate=8_017),
}
# Which an export refuses: a graph has filters between usual rates alone.
NOT_SERVED = ("odd_rate.wav",)
LONG = "two_hours.wav"
# Those that say something else of a longer sound than that they have an answer.
TOO_LONG = {"speech_recognition": r"longer than --seconds=0\.9: cut it into"}
TASKS = ("audio_classification", "speech_recognition")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hardly")
    (path / "asked").mkdir()
    for name, content in GOOD.items() | {(n, c) for n, (c, _) in BAD.items()}:
        (path / "asked" / name).write_bytes(content)
    with wave.open(str(path / "asked" / LONG), "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", ""))
        for _ in range(7_200):
            file.writeframesraw(bytes([100, 160] * 4_000))
    names = sorted(one.name for one in (path / "asked").iterdir())
    for column in ("label", "text"):
        rows = [f"asked/{name},{'ab'[n % 2]},train\n" for n, name in enumerate(names)]
        table = f"path,{column},split\n{''.join(rows)}"
        (path / f"{column}.csv").write_text(table)
    numbers = deep_speech_checkpoint.numbers(width=16)
    deep_speech_checkpoint.write(path / "mozilla", numbers)
    return path


def _config(task: str, folder: Path) -> RunConfig:
    if task == "audio_classification":
        return AudioClassificationConfig(
            dataset=f"csv:{folder / 'label.csv'}",
            weights="none",
            seconds=0.8,
            validation_fraction=0.0,
            run_dir=str(folder / task),
        )
    return spoken_letters.config(
        folder,
        task,
        dataset=f"csv:{folder / 'text.csv'}",
        backbone="DeepSpeech-0.9",
        weights=str(folder / "mozilla"),
        validation_fraction=0.0,
    )


@dataclasses.dataclass(frozen=True)
class _Network:
    run: LoadedRun
    train: Examples

    def said(self, name: str) -> str | None:
        """Return what training says of a file; None where it reads it."""
        (row,) = np.flatnonzero([one.endswith(name) for one in self.train.ids])
        inputs = self.run.task.inputs
        try:
            ready = inputs.prepare(self.train.take(np.array([row])), training=True)
            (found,) = sample.load(ready, inputs.preprocess(training=True))
        except errors.DataError as error:
            return str(error)
        assert all(np.isfinite(one).all() for one in tf.nest.flatten(found))
        return None


@pytest.fixture(scope="module", params=TASKS)
def network(request: pytest.FixtureRequest, folder: Path) -> _Network:
    config = _config(request.param, folder)
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    loaded = (config, RunDir(folder / "run"), splits.labels, task, task.network())
    return _Network(LoadedRun(*loaded, devices=None), splits.train)


def _expected(network: _Network) -> dict[str, str | None]:
    """Return what is said of each file, None where there is an answer."""
    bad = {name: said for name, (_, said) in BAD.items()}
    return {
        **bad,
        **dict.fromkeys(GOOD),
        LONG: TOO_LONG.get(network.run.config.task),
    }


def _assert_said(found: str | None, expected: str | None, name: str) -> None:
    if expected is None:
        assert found is None, name
    else:
        with pytest.raises(errors.DataError, match=expected):
            raise errors.DataError(found or "")


def test_training_names_them_or_reads_them(network: _Network) -> None:
    for name, expected in _expected(network).items():
        found = network.said(name)
        _assert_said(found, expected, name)
        assert found is None or f"asked/{name} cannot be read" in found


def test_predict_says_what_training_says(network: _Network, folder: Path) -> None:
    model = predictor.of_run(network.run)
    files = list(input_files.find([str(folder / "asked")], (".wav",)))
    found = {
        Path(one.file).name: one.error
        for one in answers.predict(model, files, top_k=1, batch_size=4)
    }
    expected = _expected(network)
    assert found.keys() == expected.keys()
    for name, error in found.items():
        _assert_said(error, expected[name], name)


def test_what_is_served_answers_those_that_training_reads(
    network: _Network, folder: Path
) -> None:
    names = sorted(_expected(network))
    payloads = [(folder / "asked" / name).read_bytes() for name in names]
    endpoint = ServingModel(network.run).endpoints["serving_default"]
    found = endpoint.function(wav_bytes=tf.constant(payloads))
    valid = dict(zip(names, found["valid"].numpy().tolist(), strict=True))
    assert valid == {
        name: said is None and name not in NOT_SERVED
        for name, said in _expected(network).items()
    }
    scores = found[network.run.task.serving.scores].numpy()
    assert np.isfinite(scores).all()


def test_of_a_long_file_training_has_no_more_in_memory_than_seconds(
    network: _Network,
) -> None:
    (row,) = np.flatnonzero([one.endswith(LONG) for one in network.train.ids])
    rows = tf.constant(network.train.rows[[row]])
    network.train.read(rows)
    tracemalloc.start()
    (content,) = network.train.read(rows).numpy()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The file has 57.6 MB; a second of it 8 kB, of samples of 16 bits 16 kB.
    assert len(content) < 40_000
    assert most < 400_000


def test_of_a_long_file_predict_has_no_more_in_memory_than_seconds(
    network: _Network, folder: Path
) -> None:
    model = predictor.of_run(network.run)
    files = list(input_files.find([str(folder / "asked" / LONG)], (".wav",)))
    list(answers.predict(model, files, top_k=1, batch_size=1))
    tracemalloc.start()
    (found,) = answers.predict(model, files, top_k=1, batch_size=1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _assert_said(found.error, _expected(network)[LONG], LONG)
    assert most < 4_000_000
