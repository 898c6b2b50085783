"""Stored features are read back as they were, or not at all."""

import numpy as np
import pytest
import tensorflow as tf

from kft.training.feature_cache import feature_store
from kft.training.feature_cache.disk_store import DiskStore
from kft.training.feature_cache.feature_store import (
    CutTensor,
    Layout,
    StoreRows,
)

TWO = Layout((CutTensor((2, 2), "float32"), CutTensor((3,), "bool")), stored=None)
FIVE = StoreRows(5)
NO_LENGTH = tf.constant(0, tf.int64)
ROWS = [
    np.arange(20, dtype=np.float32).reshape(5, 2, 2),
    np.arange(15).reshape(5, 3) % 2 == 0,
]


def fill(found: feature_store.Features) -> None:
    found.write(np.arange(3), [rows[:3] for rows in ROWS])
    found.write(np.array([4, 3]), [rows[:2:-1] for rows in ROWS])


def test_rows_come_back_in_any_order_within_tf_data():
    stored = feature_store.in_memory(TWO, FIVE)
    fill(stored)
    rows = tf.data.Dataset.from_tensors(tf.constant([4, 0, 4], tf.int64))
    first, second = next(iter(rows.map(lambda chosen: stored.read(chosen, NO_LENGTH))))
    np.testing.assert_array_equal(first, ROWS[0][[4, 0, 4]])
    np.testing.assert_array_equal(second, ROWS[1][[4, 0, 4]])
    assert rows.map(lambda chosen: stored.read(chosen, NO_LENGTH)).element_spec[
        0
    ].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("dtype", "stored", "size"),
    [("float32", None, 4), ("float32", "float16", 2), ("bfloat16", None, 2)],
)
def test_float_features_take_the_room_that_was_asked_for(dtype, stored, size):
    layout = Layout((CutTensor((6,), dtype),), stored=stored)
    assert layout.bytes(StoreRows(2)) == 2 * 6 * size
    found = feature_store.in_memory(layout, StoreRows(2))
    values = tf.cast(tf.constant([[0.5, -1.25, 3.0, 0.0, 8.0, 1.0]] * 2), dtype)
    found.write(np.arange(2), [values.numpy()])
    (back,) = found.read(tf.constant([1, 0], tf.int64), NO_LENGTH)
    assert back.dtype == dtype
    np.testing.assert_array_equal(
        tf.cast(back, tf.float32), [[0.5, -1.25, 3, 0, 8, 1]] * 2
    )


STEPS = Layout(
    (CutTensor((2,), "float32", stride=1), CutTensor((), "int32", stride=3)), None
)
LENGTHS = StoreRows(3, np.array([4, 1, 7]))
PADDED = [
    np.arange(3 * 8 * 2, dtype=np.float32).reshape(3, 8, 2),
    np.arange(3 * 3, dtype=np.int32).reshape(3, 3),
]


@pytest.mark.parametrize("on_disk", [False, True])
def test_only_real_steps_are_stored_and_come_back_with_zeros_after_them(
    tmp_path, on_disk
):
    store = DiskStore(tmp_path, "key")
    if on_disk:
        stored = store.create({"train": (STEPS, LENGTHS)})["train"]
    else:
        stored = feature_store.in_memory(STEPS, LENGTHS)
    stored.write(np.array([2, 0]), [rows[[2, 0]] for rows in PADDED])
    stored.write(np.array([1]), [rows[[1]] for rows in PADDED])
    # 4 + 1 + 7 steps, and one for each three that have begun.
    assert stored.bytes == 12 * 2 * 4 + (2 + 1 + 3) * 4
    assert STEPS.bytes(LENGTHS) == stored.bytes
    assert stored.is_on_disk is on_disk
    if on_disk:
        store.complete({"train": np.ones([3, 16], np.uint8)})
        stored = store.load({"train": (STEPS, LENGTHS)})["train"].features
    first, second = stored.read(tf.constant([0, 1], tf.int64), tf.constant(6, tf.int64))
    expected = np.zeros([2, 6, 2], np.float32)
    expected[0, :4], expected[1, :1] = PADDED[0][0, :4], PADDED[0][1, :1]
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(second, [[0, 1], [3, 0]])
