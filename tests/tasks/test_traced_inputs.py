"""The functions that make inputs, traced once."""

import numpy as np
import pytest
import tensorflow as tf

from kft.tasks.traced_inputs import TracedInputs
from tests import tiny


class _Counted(tiny.Inputs):
    """Lists what its functions are traced for; those for training turn the image."""

    def __init__(self, *, is_augmented: bool) -> None:
        self.is_augmented = is_augmented
        self.traced: list[bool] = []

    def preprocess(self, *, training: bool):
        plain = super().preprocess(training=training)

        def read(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            self.traced.append(training)
            image = plain(payload, key)
            return image[::-1] if training else image

        return read


@pytest.mark.parametrize("is_augmented", [False, True])
def test_each_function_is_traced_once_however_many_ask(is_augmented: bool) -> None:
    inputs = _Counted(is_augmented=is_augmented)
    graphs = TracedInputs(inputs)
    image = np.arange(np.prod(tiny.SHAPE), dtype=np.uint8).reshape(tiny.SHAPE)
    payloads = tf.data.Dataset.from_tensors(tf.constant(image.tobytes()))
    for training in (False, True, False, True):
        make = graphs.preprocess(training=training)
        (made,) = payloads.map(lambda one, make=make: make(one, tf.zeros(2, tf.int64)))
        turned = training and is_augmented
        assert (made.numpy() == (image[::-1] if turned else image)).all()
    assert inputs.traced == ([False, True] if is_augmented else [False])
