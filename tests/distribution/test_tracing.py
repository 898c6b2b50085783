"""What TensorFlow says of functions that are traced often."""

import logging
from collections.abc import Iterator

import pytest
import tensorflow as tf

from kft.distribution import tracing


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Return what TensorFlow's log says from now on."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    tf.get_logger().addHandler(handler)
    yield messages
    tf.get_logger().removeHandler(handler)


class _Own:
    """Has a function of its own, which is traced once, as kft's classes have."""

    __module__ = "kft.training.train_step"

    def step(self, x: tf.Tensor) -> tf.Tensor:
        return x + 1


class _Other:
    """Of a user; TensorFlow counts by the line of code."""

    def step(self, x: tf.Tensor) -> tf.Tensor:
        return x + 2


def _trace(owner: type) -> None:
    for _ in range(8):
        tf.function(owner().step)(tf.constant(1.0))


def test_advice_on_own_functions_is_held_back_and_that_on_others_is_not(
    heard: list[str],
) -> None:
    tracing.expect()
    tracing.expect()
    _trace(_Own)
    assert heard == []
    _trace(_Other)
    assert any("triggered tf.function retracing" in message for message in heard)
