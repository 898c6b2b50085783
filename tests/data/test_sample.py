"""Examples in memory: which, what of them, and how they become a batch."""

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.data import sample
from kft.data.examples import Examples

SPEC = {
    "values": tf.TensorSpec([None, 2], tf.float32),
    "is_real": tf.TensorSpec([None], tf.float32),
    "rate": tf.TensorSpec([], tf.float32),
}


def _examples(payloads: list[bytes]) -> Examples:
    return Examples(
        ids=np.array([f"id {i}" for i in range(len(payloads))]),
        labels=np.zeros(len(payloads), np.int32),
        rows=np.arange(len(payloads)),
        read=lambda rows: tf.gather(tf.constant(payloads), rows),
    )


def _decode(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.to_number(payload), tf.int64) + key


def test_a_sample_has_the_first_and_the_last() -> None:
    examples = _examples([b"0"] * 18)
    assert sample.spread(examples, 3).rows.tolist() == [0, 8, 17]
    assert sample.spread(examples, 40).rows.tolist() == list(range(18))


def test_inputs_come_in_order_and_without_augmentation() -> None:
    examples = _examples([b"5", b"3"])
    assert sample.payloads(examples) == (b"5", b"3")
    loaded = sample.load(examples, _decode)
    assert [one.tolist() for one in loaded] == [[5, 5], [3, 3]]
    keys = np.array([[1, 2], [3, 4]])
    loaded = sample.load(examples, _decode, keys=keys)
    assert [one.tolist() for one in loaded] == [[6, 7], [6, 7]]


def test_an_example_that_cannot_be_read_is_named() -> None:
    with pytest.raises(errors.DataError, match="id 1"):
        sample.load(_examples([b"5", b"five"]), _decode)


def _input(length: int) -> dict[str, np.ndarray]:
    return {
        "values": np.full([length, 2], length, np.float32),
        "is_real": np.ones([length], np.float32),
        "rate": np.float32(length),
    }


@pytest.mark.parametrize(("boundaries", "length"), [((), 3), ((2, 4, 8), 4)])
def test_shorter_inputs_are_filled_up_with_zeros(
    boundaries: tuple[int, ...], length: int
) -> None:
    batch = sample.stack([_input(3), _input(1)], SPEC, boundaries)
    assert batch["values"].shape == (2, length, 2)
    assert batch["is_real"].sum(axis=1).tolist() == [3, 1]
    assert batch["values"][1, 1:].tolist() == np.zeros([length - 1, 2]).tolist()
    assert batch["rate"].tolist() == [3, 1]


def test_an_input_longer_than_allowed_is_an_error() -> None:
    with pytest.raises(ValueError, match="9 steps, more than the 8"):
        sample.stack([_input(9)], SPEC, (4, 8))
