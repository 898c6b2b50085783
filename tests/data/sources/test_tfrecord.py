"""TFRecord files of others: splits, classes, and what is said of mistakes."""

import gzip

import numpy as np
import pytest
import tensorflow as tf

from kft import config, errors, tasks
from tests.data import image_files

_NAMES = ("rose", "tulip", "ünïcode")


def _feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    values = value if isinstance(value, list) else [value]
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _write(path, examples):
    """Write dicts of features, bytes, int or float, as the records of a file."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for features in examples:
            made = {name: _feature(value) for name, value in features.items()}
            example = tf.train.Example(features=tf.train.Features(feature=made))
            writer.write(example.SerializeToString())


def _examples(numbers, *, image="image/encoded", label="image/class/label", text=None):
    """Return examples of the classes 1, 2, ... whose images are all different."""
    made = []
    for number in numbers:
        size = 8 + len(made)
        features = {image: image_files.solid("red", size=size, kind="PNG")}
        features |= {label: number} if label else {}
        features |= {text: _NAMES[number - 1].encode()} if text else {}
        made.append(features)
    return made


def _load(pattern, **options):
    options = {"validation_fraction": 0.0, **options}
    return tasks.load_splits(
        config.ImageOptions(dataset=f"tfrecord:{pattern}", **options)
    )


def _classes(part, result):
    return [result.labels.names[label] for label in part.labels]


_TEXT = "image/class/text"


def test_numbers_names_and_both_say_the_class(tmp_path):
    numbers = [3, 1, 2, 1]
    named = [_NAMES[number - 1] for number in numbers]
    cases = {
        "numbers": ({}, ("1", "2", "3"), [str(n) for n in numbers]),
        "both": ({"text": _TEXT}, _NAMES, named),
        "names": ({"label": None, "text": _TEXT}, _NAMES, named),
    }
    for name, (features, names, expected) in cases.items():
        _write(tmp_path / name, _examples(numbers, **features))
        result = _load(tmp_path / name)
        assert result.labels.names == names, name
        assert _classes(result.train, result) == expected, name


def test_rows_are_the_bytes_of_the_records_in_the_order_of_the_files(tmp_path):
    for number, classes in enumerate(([1, 2, 3], [2], [3, 1])):
        _write(tmp_path / f"{number}.tfrecord", _examples(classes))
    result = _load(tmp_path / "*.tfrecord")
    assert result.train.ids.tolist() == [
        "0.tfrecord/000000",
        "0.tfrecord/000001",
        "0.tfrecord/000002",
        "1.tfrecord/000000",
        "2.tfrecord/000000",
        "2.tfrecord/000001",
    ]
    rows = result.train.rows[::-1]
    payloads = result.train.read(rows).numpy()
    sizes = [tf.io.decode_png(payload).shape[0] for payload in payloads]
    assert sizes == [9, 8, 8, 10, 9, 8]
    in_graph = next(iter(tf.data.Dataset.from_tensors(rows).map(result.train.read)))
    assert in_graph.numpy().tolist() == payloads.tolist()


@pytest.mark.parametrize(
    "names",
    [
        ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001"),
        ("a_train_0.tfrecord", "a_train_1.tfrecord", "a_val.tfrecord"),
        ("train/x.tfrecord", "train/y.tfrecord", "valid/x.tfrecord"),
    ],
)
def test_files_that_name_their_split_are_kept_there(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        _write(tmp_path / name, _examples([1, 2]))
    pattern = "*/*" if "/" in names[0] else "*"
    result = _load(tmp_path / pattern, validation_fraction=0.5)
    assert {split: len(part) for split, part in result.parts().items()} == {
        "train": 4,
        "validation": 2,
    }
    assert result.validation.ids[0] == f"{names[2]}/000000"


def test_files_of_one_split_alone_are_all_there_is(tmp_path):
    for name in ("test-0.tfrecord", "test-1.tfrecord"):
        _write(tmp_path / name, _examples([1, 2]))
    assert list(_load(tmp_path / "test-*").parts()) == ["train"]


def test_other_files_are_cut_by_a_hash_that_the_place_does_not_matter_to(tmp_path):
    ids = set()
    for place in ("here", "there/deep"):
        (tmp_path / place).mkdir(parents=True)
        _write(tmp_path / place / "data.tfrecord", _examples([1, 2] * 40))
        result = _load(tmp_path / place / "*", validation_fraction=0.3)
        ids.add(tuple(result.validation.ids))
    assert len(ids) == 1
    assert 12 <= len(ids.pop()) <= 36


def test_features_may_be_called_otherwise(tmp_path):
    _write(tmp_path / "x", _examples([1, 2], image="jpg", label="y", text="name"))
    given = ("image=jpg", "label=y", "text=name")
    assert _load(tmp_path / "x", tfrecord_features=given).labels.names == _NAMES[:2]
    given = ("image=jpg", "label=y")
    assert _load(tmp_path / "x", tfrecord_features=given).labels.names == ("1", "2")
    _write(tmp_path / "z", _examples([2, 1], label=None, text="image/class/label"))
    found = _load(tmp_path / "z", tfrecord_features=("text=image/class/label",))
    assert found.labels.names == _NAMES[:2]


@pytest.mark.parametrize("text", ["background\nrose\ntulip\n", "1:rose\n2: tulip"])
def test_a_file_names_the_numbers(tmp_path, text):
    _write(tmp_path / "x", _examples([2, 1]))
    (tmp_path / "labels.txt").write_text(text)
    result = _load(tmp_path / "x", tfrecord_labels=str(tmp_path / "labels.txt"))
    assert result.labels.names == ("rose", "tulip")
    assert _classes(result.train, result) == ["tulip", "rose"]


def test_no_tensorflow_is_needed_to_find_no_files(tmp_path):
    with pytest.raises(errors.ConfigError, match="no file matches.*needs quotes"):
        tasks.check_dataset(
            config.ImageOptions(dataset=f"tfrecord:{tmp_path}/*.tfrecord")
        )


def _damaged(path):
    content = bytearray(path.read_bytes())
    content[40] ^= 255
    path.write_bytes(bytes(content))


def _mistake(root, name):
    """Write files with a mistake; return flags."""
    good, text = _examples([1, 2]), _examples([1, 2], text=_TEXT)
    flags = {}
    if name == "no image":
        good = [{"image/class/label": 1}]
    elif name == "no class":
        good = _examples([1, 2], label=None)
    elif name == "label of text":
        good = _examples([1, 2], label=None, text="image/class/label")
    elif name == "two names":
        good = [*text, {**text[0], _TEXT: b"other"}]
    elif name == "second without":
        good = [good[0], {"image/encoded": b"x"}]
    elif name == "number without name":
        (root / "labels.txt").write_text("background\nrose\n")
        flags = {"tfrecord_labels": str(root / "labels.txt")}
    elif name == "names of no numbers":
        good = _examples([1, 2], label=None, text=_TEXT)
        (root / "labels.txt").write_text("background\nrose\n")
        flags = {"tfrecord_labels": str(root / "labels.txt")}
    elif name == "class of validation":
        _write(root / "val.tfrecord", _examples([3]))
    elif name == "half named":
        _write(root / "more.tfrecord", good)
    elif name == "no training":
        _write(root / "val.tfrecord", good)
        _write(root / "test.tfrecord", good)
        return flags
    _write(root / "train.tfrecord", [] if name == "nothing" else good)
    if name == "damaged":
        _damaged(root / "train.tfrecord")
    elif name == "gzip":
        path = root / "train.tfrecord"
        path.write_bytes(gzip.compress(path.read_bytes()))
    elif name == "no records":
        (root / "train.tfrecord").write_text("This is text, and no record at all.")
    return flags


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no image", "image as bytes in image/encoded.* have: image/class/label"),
        ("no class", "class in image/class/label or image/class/text.*image/encoded"),
        (
            "label of text",
            "expected int in.*tfrecord_features=text=image/class/label",
        ),
        ("two names", "one name for each class number, received 'rose' and 'other'"),
        ("second without", r"one value each of image/class/label \(int\)"),
        ("number without name", "none for 2; it names 0 to 1"),
        ("names of no numbers", "names numbers, and the records have none"),
        ("class of validation", "in validation only classes.*received '3'"),
        ("no training", "files of the split train, received test and validation"),
        ("half named", "name of every file or of none, received .*more.tfrecord"),
        ("damaged", "train.tfrecord: expected TFRecords"),
        ("gzip", "not compressed"),
        ("no records", "train.tfrecord: expected TFRecords"),
        ("nothing", "have: nothing"),
    ],
)
def test_mistakes_are_named(tmp_path, name, message):
    flags = _mistake(tmp_path, name)
    with pytest.raises(errors.DataError, match=f"(?s){message}"):
        _load(tmp_path / "*.tfrecord", **flags)


def test_the_label_ids_count_from_zero_whatever_the_numbers(tmp_path):
    _write(tmp_path / "x", _examples([3, 1, 3]))
    result = _load(tmp_path / "x")
    assert result.train.labels.tolist() == [1, 0, 1]
    assert result.train.labels.dtype == np.int32


def test_the_first_file_may_be_empty(tmp_path):
    _write(tmp_path / "a.tfrecord", [])
    _write(tmp_path / "b.tfrecord", _examples([2, 1]))
    found = _load(tmp_path / "*.tfrecord")
    assert _classes(found.train, found) == ["2", "1"]


@pytest.mark.parametrize("pattern", ["data [v1]/a.tfrecord", "data [v1]/*.tfrecord"])
def test_brackets_may_be_part_of_a_path(tmp_path, pattern):
    (tmp_path / "data [v1]").mkdir()
    _write(tmp_path / "data [v1]/a.tfrecord", _examples([1, 2]))
    assert len(_load(tmp_path / pattern).train) == 2


def test_brackets_are_a_pattern_where_they_match(tmp_path):
    for name in "123":
        _write(tmp_path / f"{name}.tfrecord", _examples([1, 2]))
    assert len(_load(tmp_path / "[12].tfrecord").train) == 4


def test_a_folder_is_answered_with_the_pattern_for_it(tmp_path):
    with pytest.raises(errors.ConfigError, match=r"a folder.*/\*\.tfrecord"):
        _load(tmp_path)


def test_numbers_of_classes_may_be_floats_that_are_whole(tmp_path):
    numbers = [2.0, 1.0, 1.0]
    label = "image/class/label"
    made = _examples([1, 1, 1])
    records = [one | {label: n} for one, n in zip(made, numbers, strict=True)]
    _write(tmp_path / "x", records)
    result = _load(tmp_path / "x")
    assert _classes(result.train, result) == ["2", "1", "1"]
    _write(tmp_path / "y", [*records, made[0] | {label: 0.5}])
    with pytest.raises(errors.DataError, match=r"received 0\.5 in record 3"):
        _load(tmp_path / "y")


def test_labels_of_several_values_are_explained(tmp_path):
    made = _examples([1, 2])
    records = [one | {"image/class/label": [0, 1]} for one in made]
    _write(tmp_path / "x", records)
    with pytest.raises(errors.DataError, match=r"received 2 in the first .*one-hot"):
        _load(tmp_path / "x")
    _write(tmp_path / "y", [*made, *records])
    with pytest.raises(errors.DataError, match="expected TFRecords.*one value") as got:
        _load(tmp_path / "y")
    assert "{{" not in str(got.value)
    assert len(str(got.value)) < 500


def test_a_damaged_file_is_said_without_nodes_of_a_graph(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(b"this is no record of anything at all")
    with pytest.raises(errors.DataError, match="x.tfrecord: expected") as caught:
        _load(tmp_path / "x.tfrecord")
    assert "{{" not in str(caught.value)
    assert "function_node" not in str(caught.value)
