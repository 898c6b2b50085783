"""Data that only `tf.io.gfile` can open: TensorFlow's file system in memory."""

import numpy as np
import pytest
import tensorflow as tf

from kft import config, errors, tasks
from kft.run_folder import split_csv
from tests.data import image_files


@pytest.fixture
def root(request):
    """Return a folder of its own in memory."""
    path = f"ram://{request.node.name.replace('[', '-').replace(']', '')}"
    tf.io.gfile.makedirs(path)
    return path


def _write(path, content):
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def _load(dataset, **options):
    options = {"validation_fraction": 0.0, **options}
    return tasks.load_splits(config.ImageOptions(dataset=dataset, **options))


_FILES = ["cat/deep/er/2.jpg", "cat/ä b.PNG", "dog/1.jpg"]
_OTHERS = ["cat/.DS_Store", "cat/Thumbs.db", "dog/notes.txt"]


def test_a_folder_gives_what_the_same_local_folder_gives(root, tmp_path):
    for name in (*_FILES, *_OTHERS):
        _write(f"{root}/{name}", name.encode())
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    far, near = _load(f"folder:{root}"), _load(f"folder:{tmp_path}")
    assert split_csv.text(far) == split_csv.text(near)
    assert far.train.ids.tolist() == _FILES
    payloads = far.train.read(far.train.rows).numpy()
    assert [payload.decode() for payload in payloads] == far.train.ids.tolist()


def test_split_folders_are_kept(root):
    for name in ("train/a/1.jpg", "train/b/1.jpg", "val/b/2.jpg"):
        _write(f"{root}/{name}", b"x")
    result = _load(f"folder:{root}/")
    assert result.validation.ids.tolist() == ["val/b/2.jpg"]
    assert result.validation.labels.tolist() == [1]


def test_a_table_and_its_images_may_be_far_away(root, tmp_path):
    for name in ("1.jpg", "sub/2.jpg"):
        _write(f"{root}/{name}", name.encode())
    (tmp_path / "3.jpg").write_bytes(b"3.jpg")
    table = f"path,label\n1.jpg,a\nsub/2.jpg,b\n{tmp_path}/3.jpg,b\n"
    _write(f"{root}/t.csv", table.encode())
    result = _load(f"csv:{root}/t.csv")
    payloads = result.train.read(result.train.rows).numpy()
    assert payloads.tolist() == [b"1.jpg", b"sub/2.jpg", b"3.jpg"]
    # The other way round: a local table of far images.
    (tmp_path / "t.csv").write_text(f"path,label\n{root}/1.jpg,a\n3.jpg,b\n")
    result = _load(f"csv:{tmp_path}/t.csv")
    payloads = result.train.read(result.train.rows).numpy()
    assert payloads.tolist() == [b"1.jpg", b"3.jpg"]


def test_tfrecords_may_be_far_away(root):
    png = image_files.solid("red")
    features = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[png])),
        "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[1])),
    }
    other = dict(features)
    other["image/class/label"] = tf.train.Feature(
        int64_list=tf.train.Int64List(value=[2])
    )
    for number in range(2):
        with tf.io.TFRecordWriter(f"{root}/part-{number}") as writer:
            for made in (features, other):
                example = tf.train.Example(features=tf.train.Features(feature=made))
                writer.write(example.SerializeToString())
    result = _load(f"tfrecord:{root}/part-*")
    assert result.train.ids.tolist() == [
        f"part-{number}/00000{row}" for number in range(2) for row in range(2)
    ]
    assert result.train.labels.tolist() == [0, 1, 0, 1]
    payloads = result.train.read(np.array([3, 0])).numpy()
    assert payloads.tolist() == [png, png]


def test_a_split_file_may_be_far_away(root, tmp_path):
    for name in ("a/1.jpg", "b/2.jpg", "b/3.jpg"):
        _write(f"{root}/{name}", b"x")
    table = "id,split\na/1.jpg,train\nb/2.jpg,train\nb/3.jpg,test\n"
    _write(f"{root}/split.csv", table.encode())
    result = _load(f"folder:{root}", split_file=f"{root}/split.csv")
    assert result.test.ids.tolist() == ["b/3.jpg"]


@pytest.mark.parametrize(
    "dataset", ["folder:{}/no", "csv:{}/no.csv", "tfrecord:{}/no-*"]
)
def test_what_is_not_there_is_a_named_error(root, dataset):
    with pytest.raises((errors.ConfigError, errors.DataError), match="/no"):
        _load(dataset.format(root))


def test_a_image_that_is_gone_is_named(root):
    for name in ("a/1.jpg", "b/2.jpg"):
        _write(f"{root}/{name}", b"x")
    result = _load(f"folder:{root}")
    tf.io.gfile.remove(f"{root}/b/2.jpg")
    with pytest.raises(tf.errors.NotFoundError):
        result.train.read(np.array([1]))


def test_the_check_does_not_ask_a_remote_place(monkeypatch):
    monkeypatch.setattr(tf.io, "gfile", None)
    for dataset in ("folder:gs://b/x", "csv:gs://b/x.csv", "tfrecord:gs://b/x-*"):
        tasks.check_dataset(config.ImageOptions(dataset=dataset))
