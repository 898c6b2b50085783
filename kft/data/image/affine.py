"""Moves of an image in its frame: what comes in from outside is gray.

Images are uint8 [height, width, 3], and so are the results, bilinear. The centre of a
pixel lies at half a pixel, as in Pillow.
"""

import math

import tensorflow as tf

# What AutoAugment fills with (Cubuk et al., autoaugment.py in tensorflow/tpu).
_FILL = 128.0


def rotate(image: tf.Tensor, degrees: tf.Tensor) -> tf.Tensor:
    """Return the image turned about its centre, against the clock."""
    angle = -degrees * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    y, x = size[0] / 2, size[1] / 2
    return _transform(
        image,
        (cos, sin, x - cos * x - sin * y),
        (-sin, cos, y + sin * x - cos * y),
    )


def shear_x(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image with row y taken from `factor` * y further right."""
    return _transform(image, (1.0, factor, 0.0), (0.0, 1.0, 0.0))


def shear_y(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image with column x taken from `factor` * x further down."""
    return _transform(image, (1.0, 0.0, 0.0), (factor, 1.0, 0.0))


def translate_x(image: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return the image taken from a share of its width further right."""
    width = tf.cast(tf.shape(image)[1], tf.float32)
    return _transform(image, (1.0, 0.0, share * width), (0.0, 1.0, 0.0))


def translate_y(image: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return the image taken from a share of its height further down."""
    height = tf.cast(tf.shape(image)[0], tf.float32)
    return _transform(image, (1.0, 0.0, 0.0), (0.0, 1.0, share * height))


_Row = tuple[tf.Tensor | float, tf.Tensor | float, tf.Tensor | float]


def _transform(image: tf.Tensor, x_row: _Row, y_row: _Row) -> tf.Tensor:
    """Return the image whose point (x, y) is that at (x_row, y_row) * (x, y, 1)."""
    numbers = []
    for a, b, shift in (x_row, y_row):
        # The op counts from the centre of the first pixel.
        numbers += [a, b, shift + (a + b) / 2 - 0.5]
    transform = tf.stack([tf.cast(number, tf.float32) for number in (*numbers, 0, 0)])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[None],
        transforms=transform[None],
        output_shape=tf.shape(image)[:2],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=_FILL,
    )[0]
    moved = tf.cast(tf.round(moved), tf.uint8)
    return tf.ensure_shape(moved, image.shape)
