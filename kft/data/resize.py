"""The one way from a picture of any size to the square that the network sees."""

from typing import Literal

import tensorflow as tf

# Share of the shorter side that `crop` keeps: 224 of 256, the ImageNet protocol
# (He et al., Deep Residual Learning, section 3.4).
CROP_SHARE = 0.875

Method = Literal["crop", "pad", "squash"]


def resize(image: tf.Tensor, *, size: int, method: Method) -> tf.Tensor:
    """Return the picture as a square: bilinear, antialiased, rounded.

    Args:
        image: uint8 [height, width, 3].
        size: side of the square in pixels.
        method: `crop` takes the central square with 0.875 of the shorter side, `pad`
            keeps the whole picture and its aspect on black, `squash` keeps the whole
            picture and not its aspect.

    Returns:
        uint8 [size, size, 3].
    """
    if method == "crop":
        return scale(central_square(image), size)
    if method == "squash":
        return scale(image, size)
    return _round(
        tf.image.resize_with_pad(image, size, size, method="bilinear", antialias=True),
        size,
    )


def central_square(image: tf.Tensor) -> tf.Tensor:
    """Return the central square of `CROP_SHARE` of the shorter side, at least 1x1."""
    height, width = tf.unstack(tf.shape(image)[:2])
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(1, tf.cast(tf.round(shorter * CROP_SHARE), tf.int32))
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def scale(image: tf.Tensor, size: int) -> tf.Tensor:
    """Return the whole picture as uint8 [size, size, 3], whatever its aspect."""
    shape = tf.shape(image)[:2]

    def interpolate(antialias: bool) -> tf.Tensor:
        return tf.image.resize(
            image, [size, size], method="bilinear", antialias=antialias
        )

    # Where nothing shrinks the two are the same to float rounding, and the one without
    # antialias is more than twice as fast.
    scaled = tf.cond(
        tf.reduce_all(shape <= size),
        lambda: interpolate(False),
        lambda: interpolate(True),
    )
    return _round(scaled, size)


def _round(image: tf.Tensor, size: int) -> tf.Tensor:
    rounded = tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(rounded, [size, size, 3])
