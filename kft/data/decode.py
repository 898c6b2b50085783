"""Encoded pictures to RGB."""

import tensorflow as tf


def decode(payload: tf.Tensor) -> tf.Tensor:
    """Return the picture of an encoded payload, uint8 [height, width, 3], RGB.

    Raises:
        tf.errors.InvalidArgumentError: where the payload is no picture.
    """
    return decode_in_graph(payload)


def decode_in_graph(payload: tf.Tensor) -> tf.Tensor:
    """Do what `decode` does with TensorFlow's ops alone, as an export must."""
    picture = tf.io.decode_image(payload, channels=3, expand_animations=False)
    picture.set_shape([None, None, 3])
    return picture
