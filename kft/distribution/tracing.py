"""TensorFlow's advice on functions that are traced often, where it is none."""

import logging

import tensorflow as tf

_ADVICE = "triggered tf.function retracing"
# How the advice names a method of an object of kft.
_OWN = " of <kft."


def expect() -> None:
    """Hold back the advice on kft's own functions from now on.

    Each stage and each finished run has a network of its own, and so functions of its
    own, which are traced once. TensorFlow (2.21) counts by the line of code that they
    share, and advises against it from the fifth on.
    """
    tf.get_logger().addFilter(_is_for_the_user)


def _is_for_the_user(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not (_ADVICE in message and _OWN in message)
