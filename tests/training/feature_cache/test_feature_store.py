"""Stored features are read back as they were, or not at all."""

import os
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf

from kft.training.feature_cache import feature_store
from kft.training.feature_cache.feature_store import DiskStore, Layout

TWO = Layout(shapes=((2, 2), (3,)), dtypes=("float32", "bool"), stored=None)
ROWS = [
    np.arange(20, dtype=np.float32).reshape(5, 2, 2),
    np.arange(15).reshape(5, 3) % 2 == 0,
]


def fill(found: feature_store.Features) -> None:
    found.write(0, [rows[:3] for rows in ROWS])
    found.write(3, [rows[3:] for rows in ROWS])


def test_rows_come_back_in_any_order_within_tf_data():
    stored = feature_store.in_memory(TWO, 5)
    fill(stored)
    rows = tf.data.Dataset.from_tensors(tf.constant([4, 0, 4], tf.int64))
    first, second = next(iter(rows.map(stored.read)))
    np.testing.assert_array_equal(first, ROWS[0][[4, 0, 4]])
    np.testing.assert_array_equal(second, ROWS[1][[4, 0, 4]])
    assert rows.map(stored.read).element_spec[0].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("dtype", "stored", "size"),
    [("float32", None, 4), ("float32", "float16", 2), ("bfloat16", None, 2)],
)
def test_float_features_take_the_room_that_was_asked_for(dtype, stored, size):
    layout = Layout(shapes=((6,),), dtypes=(dtype,), stored=stored)
    assert layout.bytes_per_example() == 6 * size
    found = feature_store.in_memory(layout, 2)
    values = tf.cast(tf.constant([[0.5, -1.25, 3.0, 0.0, 8.0, 1.0]] * 2), dtype)
    found.write(0, [values.numpy()])
    (back,) = found.read(tf.constant([1, 0], tf.int64))
    assert back.dtype == dtype
    np.testing.assert_array_equal(
        tf.cast(back, tf.float32), [[0.5, -1.25, 3, 0, 8, 1]] * 2
    )


def test_a_store_counts_only_when_it_is_complete(tmp_path):
    layouts = {"train": (TWO, 5)}
    store = DiskStore(tmp_path, "key")
    fill(store.create(layouts)["train"])
    assert DiskStore(tmp_path, "key").load(layouts) is None
    store.complete()
    loaded = DiskStore(tmp_path, "key").load(layouts)["train"]
    np.testing.assert_array_equal(loaded.arrays[0], ROWS[0])
    np.testing.assert_array_equal(loaded.arrays[1], ROWS[1])
    assert DiskStore(tmp_path, "other").load(layouts) is None


def test_what_is_begun_and_not_completed_is_removed(tmp_path):
    store = DiskStore(tmp_path, "key")
    store.create({"train": (TWO, 5)})
    assert list(tmp_path.iterdir())
    store.discard()
    assert not list(tmp_path.iterdir())


def test_processes_that_fill_the_same_key_do_not_disturb_each_other(tmp_path):
    # In containers they often have the same process id.
    layouts = {"train": (TWO, 5)}
    one, other = DiskStore(tmp_path, "key"), DiskStore(tmp_path, "key")
    first = one.create(layouts)["train"]
    second = other.create(layouts)["train"]
    fill(first)
    one.complete()
    quicker = (tmp_path / "key" / "train-0.npy").stat().st_ino
    fill(second)
    other.complete()
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key" / "train-0.npy").stat().st_ino == quicker
    for mapped in (first, second, other.load(layouts)["train"]):
        np.testing.assert_array_equal(mapped.arrays[0], ROWS[0])


def test_what_is_left_of_a_folder_makes_room_for_a_complete_one(tmp_path):
    layouts = {"train": (TWO, 5)}
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "train-0.npy").touch()
    store = DiskStore(tmp_path, "key")
    fill(store.create(layouts)["train"])
    store.complete()
    np.testing.assert_array_equal(store.load(layouts)["train"].arrays[0], ROWS[0])


def test_features_that_are_being_removed_are_not_there(tmp_path):
    layouts = {"train": (TWO, 5)}
    store = DiskStore(tmp_path, "key")
    store.create(layouts)
    store.complete()
    (tmp_path / "key" / "train-1.npy").unlink()
    assert store.load(layouts) is None


def test_what_a_process_left_a_day_ago_is_removed_by_the_next(tmp_path):
    layouts = {"train": (TWO, 5)}
    DiskStore(tmp_path, "key").create(layouts)
    (old,) = tmp_path.iterdir()
    new = shutil.copytree(old, old.with_name("key.partial-new"))
    begun = time.time() - 25 * 3600
    for path in (*old.iterdir(), *new.iterdir(), old, new):
        os.utime(path, (begun, begun))
    # A long pass still writes to its files.
    os.utime(new / "train-0.npy")
    DiskStore(tmp_path, "key").create(layouts)
    assert not old.exists() and new.exists()
    assert len(list(tmp_path.iterdir())) == 2
