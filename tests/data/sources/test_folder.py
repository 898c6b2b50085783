"""Folders as users have them: which images count, and what is said of the others."""

import os
import subprocess
import sys

import numpy as np
import pytest

from kft import config, data, errors, tasks
from kft.data.sources.payload_kind import PayloadKind
from kft.run_folder import split_csv


def _make(root, *files):
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def _load(root, **options):
    return tasks.load_splits(config.ImageOptions(dataset=f"folder:{root}", **options))


def _all_ids(result):
    return sorted(i for part in result.parts().values() for i in part.ids.tolist())


def _many(name, count=12):
    return [f"{name}/{number}.jpg" for number in range(count)]


def test_classes_are_the_sorted_folders_and_ids_relative_paths(tmp_path):
    _make(tmp_path, *_many("tulip"), *_many("daisy"))
    result = _load(tmp_path)
    assert result.labels.names == ("daisy", "tulip")
    assert _all_ids(result) == sorted([*_many("tulip"), *_many("daisy")])
    for part in result.parts().values():
        names = [result.labels.names[label] for label in part.labels]
        assert [name.split("/")[0] for name in part.ids] == names


def test_read_gives_the_content_of_the_files(tmp_path):
    result = _load(_make(tmp_path, *_many("a b"), *_many("ünïcode/dätä")))
    for part in result.parts().values():
        payloads = part.read(part.rows).numpy()
        assert [payload.decode() for payload in payloads] == part.ids.tolist()


def test_the_place_of_the_folder_does_not_matter(tmp_path):
    one, other = (
        _load(_make(tmp_path / name, *_many("a"), *_many("b"))) for name in ("x", "y/z")
    )
    assert one.fingerprint == other.fingerprint
    assert split_csv.text(one) == split_csv.text(other)


def test_a_trailing_slash_and_a_relative_path_change_nothing(tmp_path, monkeypatch):
    _make(tmp_path / "pets", *_many("cat"), *_many("dog"))
    monkeypatch.chdir(tmp_path)
    prints = {_load(path).fingerprint for path in ("pets", "pets/", "./pets")}
    assert len(prints) == 1


def test_only_images_count(tmp_path):
    images = ["a/1.JPG", "a/2.jpeg", "a/deep/er/3.PNG", "a/4.Gif", "a/5.bmp"]
    others = [
        "a/.hidden.jpg",
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/notes.txt",
        ".git/x.jpg",
    ]
    _make(tmp_path, *images, *_many("b"), *others, "README.md", "loose.jpg")
    result = _load(tmp_path, validation_fraction=0.0)
    assert _all_ids(result) == sorted([*images, *_many("b")])


def test_links_are_followed_and_a_circle_is_not(tmp_path):
    real = _make(tmp_path / "real", *_many("a"), *_many("b"))
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "a").symlink_to(real / "a")
    (linked / "b").symlink_to(real / "b")
    (real / "a" / "circle").symlink_to(real / "a")
    assert _all_ids(_load(linked)) == _all_ids(_load(real))
    assert len(_all_ids(_load(real))) == 24


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_train_and_validation_folders_are_kept_as_they_are(tmp_path, name):
    train = [f"train/{file}" for file in (*_many("a"), *_many("b"))]
    validation = [f"{name}/a/1.jpg", f"{name}/b/2.jpg"]
    result = _load(_make(tmp_path, *train, *validation), validation_fraction=0.5)
    assert sorted(result.train.ids) == sorted(train)
    assert result.validation.ids.tolist() == validation
    assert result.validation.labels.tolist() == [0, 1]
    assert result.test is None


def test_a_test_folder_is_kept_and_validation_cut_from_training(tmp_path):
    train = [f"train/{file}" for file in (*_many("a", 40), *_many("b", 40))]
    result = _load(_make(tmp_path, *train, "test/b/x.png"))
    assert result.test.ids.tolist() == ["test/b/x.png"]
    assert result.test.labels.tolist() == [1]
    assert sorted([*result.train.ids, *result.validation.ids]) == sorted(train)


def test_classes_may_be_called_train_and_test(tmp_path):
    root = _make(tmp_path / "x", *_many("test"), *_many("train"))
    result = _load(root, folder_layout="classes")
    assert result.labels.names == ("test", "train")


def test_labels_come_from_training_whatever_validation_has(tmp_path):
    train = [f"train/{file}" for name in "abc" for file in _many(name)]
    result = _load(_make(tmp_path, *train, "val/c/1.jpg"))
    assert result.labels.names == ("a", "b", "c")
    assert result.validation.labels.tolist() == [2]


def test_an_empty_class_folder_counts_only_in_training(tmp_path):
    train = [f"train/{file}" for name in "ab" for file in _many(name)]
    _make(tmp_path, *train, "val/a/1.jpg", "val/b/.DS_Store", "val/c/Thumbs.db")
    result = _load(tmp_path)
    assert result.labels.names == ("a", "b")
    assert result.validation.ids.tolist() == ["val/a/1.jpg"]


def test_a_dangling_link_is_an_example_that_can_not_be_read(tmp_path):
    _make(tmp_path, *_many("a"), *_many("b"))
    (tmp_path / "a" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert "a/gone.jpg" in _all_ids(_load(tmp_path))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "at least 2 classes; received none"),
        (["x.jpg", "y.jpg"], "at least 2 classes; received none"),
        (_many("rose"), "at least 2 classes; received 1, 'rose'"),
        ([*_many("a"), "b/notes.txt"], "every class folder; there are none in: b"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/bb/1.jpg"],
            "these are not there: bb. Did you mean b?",
        ),
        (["val/a/1.jpg", "test/a/1.jpg"], "expected a folder train beside"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "valid/a/1.jpg"],
            "several for validation: val, valid",
        ),
    ],
)
def test_what_can_not_be_used_is_said_before_anything_is_read(tmp_path, files, message):
    options = config.ImageOptions(dataset=f"folder:{_make(tmp_path, *files)}")
    for call in (tasks.check_dataset, tasks.load_splits):
        with pytest.raises(errors.DataError) as caught:
            call(options)
        assert message in str(caught.value)
        assert str(tmp_path) in str(caught.value)


def test_a_missing_folder_is_an_error_with_its_neighbours(tmp_path):
    _make(tmp_path / "flowers", *_many("a"))
    with pytest.raises(errors.ConfigError, match="no folder.*flowes.*mean flowers"):
        tasks.check_dataset(config.ImageOptions(dataset=f"folder:{tmp_path}/flowes"))
    with pytest.raises(errors.ConfigError, match="expected a folder"):
        tasks.check_dataset(config.ImageOptions(dataset="folder:"))
    with pytest.raises(errors.ConfigError, match="expected a folder"):
        path = tmp_path / "flowers/a/0.jpg"
        tasks.check_dataset(config.ImageOptions(dataset=f"folder:{path}"))


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    _make(tmp_path, *_many("a"), *_many("b"))
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(errors.DataError, match="/b cannot be listed.*denied"):
        tasks.check_dataset(config.ImageOptions(dataset=f"folder:{tmp_path}"))


def test_the_check_needs_no_tensorflow(tmp_path):
    _make(tmp_path, *_many("a"), *_many("b"))
    code = (
        "import sys; from kft import config, tasks; "
        f"tasks.check_dataset(config.ImageOptions(dataset='folder:{tmp_path}')); "
        "tasks.check_dataset(config.ImageOptions(dataset='digits')); "
        "tasks.check_dataset(config.ImageOptions(dataset='tfds:mnist')); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_adding_images_leaves_the_others_where_they_are(tmp_path):
    _make(tmp_path, *_many("a", 30), *_many("b", 30))
    before = _load(tmp_path)
    _make(tmp_path, *_many("a", 60), *_many("c", 30))
    after = _load(tmp_path)
    for split, part in before.parts().items():
        assert set(part.ids) <= set(after.parts()[split].ids)


def test_the_size_of_a_file_is_part_of_the_fingerprint(tmp_path):
    before = _load(_make(tmp_path, *_many("a"), *_many("b"))).fingerprint
    (tmp_path / "a/1.jpg").write_bytes(b"longer than before")
    assert _load(tmp_path).fingerprint != before


_SOUNDS = PayloadKind(
    name="audio",
    noun="recordings",
    file_endings=(".wav", ".flac"),
    tfds_feature="Audio",
    tfrecord_features={"audio": "audio/encoded", "label": "label"},
)


def test_files_of_another_kind_are_found_by_their_endings(tmp_path):
    _make(tmp_path, "a/1.wav", "a/2.FLAC", "a/3.jpg", "b/1.wav", "c/1.jpg")
    options = config.DataConfig(dataset=f"folder:{tmp_path}", validation_fraction=0.0)
    sources = data.sources_of(_SOUNDS)
    with pytest.raises(errors.DataError, match=r"recordings \(.wav, .flac\) .*: c"):
        data.load_splits(options, sources)
    (tmp_path / "c" / "1.jpg").rename(tmp_path / "c" / "1.wav")
    found = data.load_splits(options, sources)
    assert found.train.ids.tolist() == ["a/1.wav", "a/2.FLAC", "b/1.wav", "c/1.wav"]


def test_real_photographs(shared):
    result = _load(shared / "data" / "flowers")
    counts = np.bincount(
        np.concatenate([part.labels for part in result.parts().values()])
    )
    assert result.labels.names == ("daisy", "dandelion", "rose", "sunflower", "tulip")
    assert counts.sum() == 4064
    assert 0.17 < len(result.validation) / 4064 < 0.23


def _run_folder(path):
    _make(path, "config.json", "flags.cfg", "example.jpg", "charts/curves.png")


@pytest.mark.parametrize("place", ["runs/photos", "runs/photos/seed0", "first-run"])
def test_runs_below_the_data_are_no_class(tmp_path, caplog, place):
    root = _make(tmp_path, *_many("cat"), *_many("dog"))
    before = _load(root)
    _run_folder(root / place)
    after = _load(root)
    assert after.labels.names == ("cat", "dog")
    assert after.fingerprint == before.fingerprint
    assert f"runs of kft are in them: {root / place.partition('/')[0]}" in caplog.text


def test_a_class_called_runs_is_one(tmp_path):
    root = _make(tmp_path, *_many("runs"), *_many("walks/deep"))
    _make(root / "walks", "config.json")
    assert _load(root).labels.names == ("runs", "walks")


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(errors.ConfigError, match="Unpack it first"):
        _load(tmp_path / "photos.zip")
