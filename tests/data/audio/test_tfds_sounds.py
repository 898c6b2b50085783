"""Sounds in TensorFlow Datasets, stored as numbers or as files."""

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from kft import data, errors, tasks
from kft.config import AudioClassificationConfig, SpeechRecognitionConfig
from kft.data.audio import alphabet, tfds_sounds
from kft.data.audio.windows import Windows
from kft.data.examples import Examples, Splits
from kft.data.labels import LabelMap
from kft.tasks import speech_recognition

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")
soundfile = pytest.importorskip("soundfile", reason="needs the extra audio")
tfds = pytest.importorskip("tensorflow_datasets", reason="needs the extra tfds")

TONE = sounds.tone(300, 0.5, rate=8_000)
TEXTS = ["On", "No!", "o n", "n-o"]
WHOLE = np.round(TONE * 32768).astype(np.int16)


def _store(
    folder: Path, features: Mapping[str, Any], rows: Mapping[str, Any], *splits: str
) -> None:
    """Write a data set with the same rows in each split."""
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_sounds",
        version="1.0.0",
        data_dir=str(folder),
        features=tfds.features.FeaturesDict(features),
        split_datasets={
            split: tf.data.Dataset.from_tensor_slices(dict(rows))
            for split in splits or ("train",)
        },
        disable_shuffling=True,
    )


def _store_commands(folder: Path, samples: Any, **audio: Any) -> None:
    """Write three sounds with a class each."""
    features = {
        "audio": tfds.features.Audio(**{"sample_rate": 8_000, **audio}),
        "label": tfds.features.ClassLabel(names=["no", "yes"]),
    }
    _store(folder, features, {"audio": samples, "label": [1, 0, 1]})


def _load(folder: Path, **options: Any) -> Splits:
    config = AudioClassificationConfig(
        dataset="tfds:tiny_sounds",
        data_dir=str(folder),
        validation_fraction=0.0,
        **options,
    )
    return tasks.load_splits(config)


def _samples(part: Examples) -> list[tuple[np.ndarray, int]]:
    """Return samples and rate of the sounds as a graph reads them."""
    reading = tf.data.Dataset.from_tensors(part.rows).map(part.read)
    payloads = next(iter(reading)).numpy()
    return [soundfile.read(io.BytesIO(one), dtype="float32") for one in payloads]


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32])
def test_samples_are_those_that_were_stored(tmp_path: Path, dtype: type) -> None:
    stored = (TONE if dtype is np.float32 else WHOLE).astype(dtype)
    _store_commands(tmp_path, [stored, stored[::-1], stored], dtype=dtype)
    splits = _load(tmp_path)
    assert splits.labels.names == ("no", "yes")
    assert splits.train.labels.tolist() == [1, 0, 1]
    assert splits.train.ids[2] == "tiny_sounds/train/000002"
    found, rate = _samples(splits.train)[1]
    assert rate == 8_000
    np.testing.assert_allclose(found, TONE[::-1], atol=1 / 32768)


def test_channels_are_mixed_and_no_more_is_kept_than_the_windows_hold(
    tmp_path: Path,
) -> None:
    stereo = np.stack([WHOLE, WHOLE // 2], axis=1)
    _store_commands(tmp_path, [stereo] * 3, shape=(None, 2), dtype=np.int16)
    whole, _ = _samples(_load(tmp_path).train)[0]
    np.testing.assert_allclose(whole, 0.75 * TONE, atol=1e-4)
    (part, _), *_ = _samples(
        _load(tmp_path, seconds=0.25, backbone="MobileNetV2").train
    )
    np.testing.assert_allclose(part, whole[1000:3000], atol=1 / 32768)


@pytest.mark.parametrize(
    ("samples", "audio", "message"),
    [
        (WHOLE, {"sample_rate": None}, "does not say the sample rate of audio"),
        (WHOLE.astype(np.int64) * 9, {}, "expected samples of 16 bits"),
        (WHOLE[:0], {}, "the sound has no samples"),
    ],
    ids=["rate", "size", "empty"],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, samples: np.ndarray, audio: dict[str, Any], message: str
) -> None:
    _store_commands(tmp_path, [samples] * 3, **audio)
    part = _load(tmp_path).train
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        part.read(tf.constant(part.rows))


def test_a_data_set_of_something_else_is_refused(tmp_path: Path) -> None:
    features = {"text": tfds.features.Text()}
    _store(tmp_path, features, {"text": ["a", "b"]})
    with pytest.raises(errors.DataError, match=r"sounds with one class.*audio=NAME"):
        _load(tmp_path)
    config = SpeechRecognitionConfig(dataset="tfds:tiny_sounds", data_dir=str(tmp_path))
    with pytest.raises(errors.DataError, match="audio=NAME,text=NAME.*who speaks"):
        tasks.load_splits(config)


def _store_speech(folder: Path, *splits: str) -> SpeechRecognitionConfig:
    """Write two sounds of each of four speakers, who say one text each."""
    features = {
        "id": tfds.features.Text(),
        "speech": tfds.features.Audio(sample_rate=8_000, dtype=np.int16),
        "speaker_id": tfds.features.Scalar(np.int64),
        "text": tfds.features.Text(),
    }
    rows = {
        "id": list("abcdefgh"),
        "speech": [WHOLE] * 8,
        "speaker_id": [3, 4, 5, 6] * 2,
        "text": TEXTS * 2,
    }
    _store(folder, features, rows, *splits)
    return SpeechRecognitionConfig(
        dataset="tfds:tiny_sounds",
        data_dir=str(folder),
        tfds_features=("text=text",),
        train_split=splits[0],
        validation_fraction=0.5,
    )


def _texts(part: Examples, symbols: LabelMap) -> list[str]:
    return [alphabet.text(part.labels[row], symbols) for row in range(len(part))]


def test_a_speaker_is_in_one_split_where_splits_are_cut(tmp_path: Path) -> None:
    config = _store_speech(tmp_path, "train_clean")
    splits = tasks.load_splits(config)
    texts = [set(_texts(part, splits.labels)) for part in splits.parts().values()]
    assert len(texts) == 2 and not texts[0] & texts[1]
    assert texts[0] | texts[1] == {"on", "no", "o n", "n o"}
    found, rate = _samples(splits.train)[0]
    assert rate == 8_000
    np.testing.assert_allclose(found, TONE, atol=1 / 32768)


def test_a_run_is_measured_on_any_split_of_the_data(tmp_path: Path) -> None:
    config = _store_speech(tmp_path, "train_clean", "test")
    config = dataclasses.replace(config, train_split=None)
    sources = speech_recognition.KIND.sources
    found = data.load_known(config, sources, alphabet.of_texts(["no"]))
    (part,) = found.parts.values()
    assert part.ids[1] == "tiny_sounds/test/000001"
    assert _texts(part, found.labels)[1:3] == ["no", "o n"]


@pytest.mark.parametrize("kind", ["FLAC", "WAV"])
def test_a_file_that_is_stored_whole_is_read_as_a_file(kind: str) -> None:
    content = sounds.encoded(TONE, rate=8_000, kind=kind)
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
    features = tf.train.Features(feature={"speech": value})
    record = tf.train.Example(features=features).SerializeToString()
    stored = tfds_sounds.StoredSounds("speech", sample_rate=None, channels=1)
    encoded = stored.encoded(record, Windows(sample_rate=16_000, seconds=2.0))
    assert encoded.startswith(b"RIFF")
    found, _ = soundfile.read(io.BytesIO(encoded), dtype="float32")
    np.testing.assert_allclose(found, TONE, atol=1e-4)
