"""WebDataset shards: their examples, classes and splits, and mistakes in them."""

import io
import json
import os
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from kft import config, data, errors, tasks
from kft.data.image.image_payload import IMAGES
from kft.data.labels import LabelMap


def _shard(path, members):
    """Write members by name; an object is written as JSON, another value as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, value in members.items():
            if isinstance(value, dict):
                value = json.dumps(value)
            content = value if isinstance(value, bytes) else str(value).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _examples(labels, ending="cls"):
    """Return members of an example for each label, all of different content."""
    members = {}
    for number, label in enumerate(labels):
        members[f"{number:03d}.jpg"] = b"image %d" % number * (number + 1)
        members[f"{number:03d}.{ending}"] = label
    return members


def _options(pattern, **options):
    options = {"validation_fraction": 0.0, **options}
    return config.ImageOptions(dataset=f"webdataset:{pattern}", **options)


def _load(pattern, **options):
    tasks.check_dataset(_options(pattern, **options))
    return tasks.load_splits(_options(pattern, **options))


def _classes(part, result):
    return [result.labels.names[label] for label in part.labels]


@pytest.mark.parametrize(
    ("ending", "said", "options"),
    [
        ("cls", [1, 0, "1\n"], {}),
        ("cls", ["1", "0", "1"], {}),
        ("txt", ["1", "0", " 1\n"], {}),
        ("json", [{"label": 1}, {"label": 0, "x": []}, {"label": 1}], {}),
        ("json", [{"label": "1"}, {"label": "0"}, {"label": "1"}], {}),
        (
            "json",
            [{"a": {"b": n}} for n in (1, 0, 1)],
            {"webdataset_members": ("label=json.a.b",)},
        ),
        ("kind", ["1", "0", "1"], {"webdataset_members": ("label=.kind",)}),
    ],
)
def test_a_file_of_the_same_name_says_the_class(tmp_path, ending, said, options):
    result = _load(_shard(tmp_path / "x.tar", _examples(said, ending)), **options)
    assert result.labels.names == ("0", "1")
    assert _classes(result.train, result) == ["1", "0", "1"]
    assert result.train.ids.tolist() == ["x.tar/000", "x.tar/001", "x.tar/002"]


def test_the_number_of_a_class_comes_before_a_text_and_that_before_json(tmp_path):
    members = {"a.jpg": b"1", "b.jpg": b"2"}
    for said in ({"json": {"label": "j"}}, {"txt": "t"}, {"cls": 5}):
        (ending, label), *_ = said.items()
        other = 6 if ending == "cls" else {"label": "k"} if ending == "json" else "u"
        members |= {f"a.{ending}": label, f"b.{ending}": other}
        result = _load(_shard(tmp_path / f"{ending}.tar", members))
        expected = {"json": ("j", "k"), "txt": ("t", "u"), "cls": ("5", "6")}
        assert result.labels.names == expected[ending]


def test_examples_are_read_in_any_order(tmp_path):
    _shard(tmp_path / "a-0.tar", _examples([0, 1]))
    _shard(tmp_path / "a-1.tar", _examples([1, 1, 0]))
    result = _load(tmp_path / "a-{0..1}.tar")
    part = result.train.take(np.array([4, 0, 3]))
    expected = [b"image 2" * 3, b"image 0", b"image 1" * 2]
    assert part.read(part.rows).numpy().tolist() == expected
    in_graph = tf.data.Dataset.from_tensors(part.rows).map(part.read)
    assert next(iter(in_graph)).numpy().tolist() == expected
    assert part.ids.tolist() == ["a-1.tar/002", "a-0.tar/000", "a-1.tar/001"]


@pytest.mark.parametrize(
    "pattern",
    ["", "*/*.tar", "{val/0,train/0,train/*}.tar", "{train,val}/*.tar"],
)
def test_folders_patterns_and_braces_name_shards(tmp_path, pattern):
    for name in ("train/0", "train/1", "val/0"):
        _shard(tmp_path / f"{name}.tar", _examples([0, 1]))
    result = _load(tmp_path / pattern)
    assert [len(result.train), len(result.validation)] == [4, 2]
    assert result.validation.ids.tolist() == ["val/0.tar/000", "val/0.tar/001"]


def test_names_of_shards_say_the_split(tmp_path):
    for name in ("x-train-0", "x-train-1", "x-test-0"):
        _shard(tmp_path / f"{name}.tar", _examples([0, 1]))
    result = _load(tmp_path)
    assert [len(result.train), len(result.test)] == [4, 2]


def test_a_split_is_cut_by_the_ids_wherever_the_shards_lie(tmp_path):
    cuts = []
    for place in (tmp_path / "a", tmp_path / "b" / "c"):
        _shard(place / "x-0.tar", _examples([0, 1] * 10))
        _shard(place / "x-1.tar", _examples([0, 1] * 10))
        cuts.append(_load(place, validation_fraction=0.3))
    assert cuts[0].fingerprint == cuts[1].fingerprint
    assert len(cuts[0].validation) > 0


def test_a_file_names_the_classes_of_numbers(tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\nfox\n")
    shard = _shard(tmp_path / "x.tar", _examples([2, 0]))
    result = _load(shard, webdataset_labels=str(tmp_path / "names.txt"))
    assert result.labels.names == ("cat", "fox")
    with pytest.raises(errors.DataError, match="--webdataset_labels=.*number, rec"):
        _load(
            _shard(tmp_path / "y.tar", _examples([3, 0])),
            webdataset_labels=str(tmp_path / "names.txt"),
        )


def test_one_of_several_images_may_be_named(tmp_path):
    members = {"a.input.jpg": b"1", "a.seg.png": b"2", "a.cls": 0}
    members |= {"b.input.jpg": b"3", "b.cls": 1}
    shard = _shard(tmp_path / "x.tar", members)
    result = _load(shard, webdataset_members=("image=input.jpg;input.png",))
    payloads = result.train.read(result.train.rows).numpy().tolist()
    assert payloads == [b"1", b"3"]


def test_what_is_no_example_is_left_out_and_said(tmp_path, caplog):
    members = {"about.txt": "x", "more.json": {}, "no_ending": "", **_examples([0, 1])}
    assert len(_load(_shard(tmp_path / "x.tar", members)).train) == 2
    assert "no image of the same name is with them: 1 .txt, 1 .json" in caplog.text


def test_a_shard_without_examples_does_not_count(tmp_path):
    _shard(tmp_path / "0.tar", {})
    _shard(tmp_path / "1.tar", _examples(["b", "a"], "txt"))
    assert _load(tmp_path).labels.names == ("a", "b")


def test_a_run_is_measured_on_a_part(tmp_path):
    shard = _shard(tmp_path / "test-0.tar", _examples(["dog", "dog"], "txt"))
    sources = data.sources_of(IMAGES)
    known = LabelMap(("cat", "dog"))
    found = data.load_known(_options(shard), sources, known)
    assert found.labels.names == ("cat", "dog")
    assert found.parts["train"].labels.tolist() == [1, 1]
    _shard(tmp_path / "train-0.tar", _examples(["dog"], "txt"))
    _shard(tmp_path / "test-0.tar", _examples(["cat", "fox"], "txt"))
    found = data.load_known(_options(tmp_path), sources, known)
    assert found.labels.names == ("cat", "dog", "fox")
    assert found.parts["test"].labels.tolist() == [0, 2]


def test_remote_shards_are_read(tmp_path):
    _shard(tmp_path / "x-0.tar", _examples([0, 1]))
    _shard(tmp_path / "x-1.tar", _examples([0, 1]))
    result = _load(f"file://{tmp_path}/x-{{0..1}}.tar")
    payloads = result.train.read(result.train.rows).numpy().tolist()
    assert payloads == [b"image 0", b"image 1" * 2] * 2


def test_a_remote_folder_names_its_shards(tmp_path):
    _shard(tmp_path / "a" / "x-0.tar", _examples([0, 1]))
    assert len(_load(f"file://{tmp_path}/a").train) == 2
    assert len(_load(f"file://{tmp_path}").train) == 2


def test_a_remote_shard_that_was_cut_off_is_named(tmp_path):
    shard = _shard(tmp_path / "x.tar", _examples([0, 1]))
    shard.write_bytes(shard.read_bytes()[:1500])
    for place in (shard, f"file://{shard}"):
        with pytest.raises(errors.DataError, match=r"x\.tar: expected .* anew"):
            _load(place)


def test_there_may_be_more_shards_than_a_process_may_open(tmp_path):
    resource = pytest.importorskip("resource")
    for number in range(100):
        _shard(
            tmp_path / f"{number:03d}.tar",
            {"a.jpg": b"%d" % number, "a.cls": number % 2},
        )
    result = _load(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/dev/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 80, hard))
    try:
        for rows in (result.train.rows, result.train.rows[::-1]):
            payloads = result.train.read(rows).numpy().tolist()
            assert payloads == [b"%d" % row for row in rows]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_ending_of_a_label_may_be_in_capitals(tmp_path):
    shard = _shard(
        tmp_path / "x.tar", {"a.jpg": b"1", "a.CLS": 0, "b.jpg": b"2", "b.CLS": 1}
    )
    assert len(_load(shard, webdataset_members=("label=CLS",)).train) == 2
    members = {
        "a.jpg": b"1",
        "a.json": {"Kind": "x"},
        "b.jpg": b"2",
        "b.json": {"Kind": "y"},
    }
    shard = _shard(tmp_path / "y.tar", members)
    found = _load(shard, webdataset_members=("label=JSON.Kind",))
    assert found.labels.names == ("x", "y")


_TWO = _examples([0, 1])
MISTAKES = {
    "no label": (
        {**_TWO, "c.jpg": b"1"},
        {},
        r"x\.tar, c: expected its label in \.cls of the same name, received jpg",
    ),
    "no label in any": ({"a.jpg": b"1"}, {}, r"x\.tar, a: .* \.cls or \.txt or \.json"),
    "no image": (
        {"a.npy": b"1", "a.cls": 0},
        {},
        "expected images in the shards, .*received 1 .npy, 1 .cls",
    ),
    "two images": (
        {"a.jpg": b"1", "a.png": b"2", "a.cls": 0},
        {},
        "x.tar, a: expected one image, received jpg and png.*image=jpg says",
    ),
    "a name among numbers": (
        {**_TWO, "c.jpg": b"1", "c.cls": "cat"},
        {},
        r"x\.tar, c\.cls: expected a whole number, .*received 'cat'",
    ),
    "an empty label": (
        {"a.jpg": b"1", "a.txt": " \n"},
        {},
        r"x\.tar, a\.txt: expected a name or a whole number, received ''",
    ),
    "a text of several lines": (
        {"a.jpg": b"1", "a.txt": "a\nb", "b.jpg": b"2", "b.txt": "c"},
        {},
        "without line breaks",
    ),
    "no text": (
        {"a.jpg": b"1", "a.txt": b"\xff"},
        {},
        r"x\.tar, a\.txt: expected a label in UTF-8",
    ),
    "no JSON": ({"a.jpg": b"1", "a.json": "{"}, {}, r"a\.json: expected JSON"),
    "no such key": (
        {"a.jpg": b"1", "a.json": {"kind": 1}},
        {},
        r"a\.json: expected the key 'label', received kind.*label=json\.KEY",
    ),
    "a key of a number": (
        {"a.jpg": b"1", "a.json": {"label": 1}},
        {"webdataset_members": ("label=json.label.x",)},
        "expected the key 'x', received 1",
    ),
    "a list": (
        {"a.jpg": b"1", "a.json": {"label": [1]}},
        {},
        "expected a name or a whole number",
    ),
    "truth": (
        {"a.jpg": b"1", "a.json": {"label": True}},
        {},
        "expected a name or a whole number, received True",
    ),
    "a huge number": (
        {"a.jpg": b"1", "a.cls": "9" * 30},
        {},
        "expected a name or a whole number",
    ),
    "thousands of digits": (
        {"a.jpg": b"1", "a.cls": "9" * 5000},
        {},
        "expected a name or a whole number",
    ),
    "the image as its label": (
        _TWO,
        {"webdataset_members": ("label=jpg",)},
        "--webdataset_members: 'jpg' is given to another part; .*image=NAME",
    ),
    "nested JSON": (
        {"a.jpg": b"1", "a.json": b"[" * 100_000},
        {},
        r"a\.json: expected JSON, which cannot be read",
    ),
    "two signs": (
        {"a.jpg": b"1", "a.cls": "1", "b.jpg": b"1", "b.cls": "--5"},
        {},
        "expected a whole number, .*received '--5'",
    ),
    "a huge label": (
        {"a.jpg": b"1", "a.txt": "x" * 1_000_001},
        {},
        "at most 1000000 bytes",
    ),
    "no such part": (
        _TWO,
        {"webdataset_members": ("img=jpg",)},
        "--webdataset_members",
    ),
    "names of names": (
        _examples(["a", "b"], "txt"),
        {"webdataset_labels": __file__},
        "--webdataset_labels=.*names numbers",
    ),
    "several labels": (_TWO, {"multi_label": True}, "--multi_label: .*one class"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(tmp_path, name):
    members, options, message = MISTAKES[name]
    shard = _shard(tmp_path / "x.tar", members)
    with pytest.raises(errors.KftError, match=f"(?s){message}"):
        _load(shard, **options)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("x-{0..2}.tar", r"no file matches .*x-2\.tar\. Check the path"),
        ("y-*.tar", r"no file matches .*y-\*\.tar"),
        ("gone", "no file matches .*gone"),
        ("none", r"no file matches \*\.tar"),
        ("{0..9999999}.tar", "more than 1000000 names"),
        ("x-{0,1}*", "not compressed.*gunzip"),
        ("odd-*", "expected train, validation or test in the name of every file"),
    ],
)
def test_shards_that_cannot_be_used_are_named_at_once(tmp_path, pattern, message):
    for name in ("x-0", "x-1", "odd-train", "odd-1"):
        _shard(tmp_path / f"{name}.tar", _examples([0, 1]))
    (tmp_path / "x-1.tar.gz").write_bytes(b"\x1f\x8b\x08")
    (tmp_path / "none").mkdir()
    with pytest.raises(errors.KftError, match=f"(?s){message}"):
        tasks.check_dataset(_options(tmp_path / pattern))


def test_the_path_of_a_shard_alone_is_answered_with_how_it_is_written(tmp_path):
    shard = _shard(tmp_path / "x.tar", {})
    with pytest.raises(errors.ConfigError, match="mean --dataset=webdataset:"):
        tasks.check_dataset(config.ImageOptions(dataset=str(shard)))
    made = config.TextClassificationConfig(dataset=str(shard))
    with pytest.raises(errors.ConfigError, match="Unpack"):
        tasks.check_dataset(made)
