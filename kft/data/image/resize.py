"""The one way from an image of any size to the square that the network sees."""

from typing import Literal

import tensorflow as tf

# Share of the shorter side that `crop` keeps: 224 of 256, the ImageNet protocol
# (He et al., Deep Residual Learning, section 3.4).
CROP_SHARE = 0.875

Method = Literal["crop", "square", "pad", "squash"]


def resize(image: tf.Tensor, *, size: int, method: Method) -> tf.Tensor:
    """Return the image as a square: bilinear, antialiased, rounded.

    Args:
        image: uint8 [height, width, 3].
        size: side of the square in pixels.
        method: `crop` takes the central square with 0.875 of the shorter side, `square`
            that with all of it, `pad` keeps the whole image and its aspect on black,
            `squash` keeps the whole image and not its aspect.

    Returns:
        uint8 [size, size, 3].
    """
    if method == "crop":
        return scale(central_square(image), size)
    if method == "square":
        return scale(central_square(image, share=1.0), size)
    if method == "squash":
        return scale(image, size)
    return _pad(image, size)


def central_square(image: tf.Tensor, *, share: float = CROP_SHARE) -> tf.Tensor:
    """Return the central square of a share of the shorter side, at least 1x1."""
    height, width = tf.unstack(tf.shape(image)[:2])
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(1, tf.cast(tf.round(shorter * share), tf.int32))
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def scale(image: tf.Tensor, size: int) -> tf.Tensor:
    """Return the whole image as uint8 [size, size, 3], whatever its aspect."""
    scaled = _interpolate(image, tf.constant([size, size]))
    return tf.ensure_shape(scaled, [size, size, 3])


def _pad(image: tf.Tensor, size: int) -> tf.Tensor:
    # tf.image.resize_with_pad fails where the shorter side comes out as 0 pixels.
    shape = tf.cast(tf.shape(image)[:2], tf.float64)
    inner = tf.round(shape * (size / tf.reduce_max(shape)))
    inner = tf.maximum(1, tf.cast(inner, tf.int32))
    before = (size - inner) // 2
    padding = tf.stack([before, size - inner - before], axis=1)
    padded = tf.pad(_interpolate(image, inner), tf.concat([padding, [[0, 0]]], axis=0))
    return tf.ensure_shape(padded, [size, size, 3])


def _interpolate(image: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Return the image with int32 [2] height and width, uint8."""

    def make(antialias: bool) -> tf.Tensor:
        return tf.image.resize(image, shape, method="bilinear", antialias=antialias)

    # Where nothing shrinks the two are the same to float rounding, and the one without
    # antialias is more than twice as fast.
    grows = tf.reduce_all(tf.shape(image)[:2] <= shape)
    scaled = tf.cond(grows, lambda: make(False), lambda: make(True))
    return tf.cast(tf.round(scaled), tf.uint8)
