"""Many requests in a graph: each its input, whatever the others are."""

import pytest
import tensorflow as tf

from kft.tasks import decode_requests


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _decode(requests: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return decode_requests.decode_all(
        requests,
        lambda request: tf.strings.to_number(tf.strings.split(request, ",")),
        tf.zeros([0]),
    )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_request_harms_no_other(place: int) -> None:
    requests = [b"1,2,3", b"4"]
    requests.insert(place, b"x")
    inputs, valid = _decode(tf.constant(requests))
    assert valid.numpy().tolist() == [i != place for i in range(3)]
    good = [row for i, row in enumerate(inputs.numpy().tolist()) if i != place]
    assert good == [[1, 2, 3], [4, 0, 0]]
    assert inputs.numpy()[place].tolist() == [0, 0, 0]


def test_a_batch_of_bad_requests_has_no_steps() -> None:
    inputs, valid = _decode(tf.constant(["x", ""]))
    assert inputs.shape == (2, 0)
    assert not valid.numpy().any()
