"""Moves of a picture in its frame: what comes in from outside is gray.

Pictures are uint8 [height, width, 3], and so are the results, bilinear. The centre of a
pixel lies at half a pixel, as in Pillow.
"""

import math

import tensorflow as tf

# What AutoAugment fills with (Cubuk et al., autoaugment.py in tensorflow/tpu).
_FILL = 128.0


def rotate(picture: tf.Tensor, degrees: tf.Tensor) -> tf.Tensor:
    """Return the picture turned about its centre, against the clock."""
    angle = -degrees * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    size = tf.cast(tf.shape(picture)[:2], tf.float32)
    y, x = size[0] / 2, size[1] / 2
    return _transform(
        picture,
        (cos, sin, x - cos * x - sin * y),
        (-sin, cos, y + sin * x - cos * y),
    )


def shear_x(picture: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the picture with row y taken from `factor` * y further right."""
    return _transform(picture, (1.0, factor, 0.0), (0.0, 1.0, 0.0))


def shear_y(picture: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the picture with column x taken from `factor` * x further down."""
    return _transform(picture, (1.0, 0.0, 0.0), (factor, 1.0, 0.0))


def translate_x(picture: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return the picture taken from a share of its width further right."""
    width = tf.cast(tf.shape(picture)[1], tf.float32)
    return _transform(picture, (1.0, 0.0, share * width), (0.0, 1.0, 0.0))


def translate_y(picture: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return the picture taken from a share of its height further down."""
    height = tf.cast(tf.shape(picture)[0], tf.float32)
    return _transform(picture, (1.0, 0.0, 0.0), (0.0, 1.0, share * height))


_Row = tuple[tf.Tensor | float, tf.Tensor | float, tf.Tensor | float]


def _transform(picture: tf.Tensor, x_row: _Row, y_row: _Row) -> tf.Tensor:
    """Return the picture whose point (x, y) is that at (x_row, y_row) * (x, y, 1)."""
    numbers = []
    for a, b, shift in (x_row, y_row):
        # The op counts from the centre of the first pixel.
        numbers += [a, b, shift + (a + b) / 2 - 0.5]
    transform = tf.stack([tf.cast(number, tf.float32) for number in (*numbers, 0, 0)])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(picture, tf.float32)[None],
        transforms=transform[None],
        output_shape=tf.shape(picture)[:2],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=_FILL,
    )[0]
    moved = tf.cast(tf.round(moved), tf.uint8)
    return tf.ensure_shape(moved, picture.shape)
