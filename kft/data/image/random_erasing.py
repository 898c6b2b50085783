"""Random erasing: a rectangle of noise."""

import math

import tensorflow as tf

# Area and aspect of the rectangle (Zhong et al., Random Erasing Data Augmentation,
# 2020; the defaults of timm, which draws again what does not fit: here it is cut off).
_AREA = (0.02, 1 / 3)
_ASPECT = (0.3, 1 / 0.3)


def erase(image: tf.Tensor, key: tf.Tensor, *, probability: float) -> tf.Tensor:
    """Return the image, now and then with a rectangle of random pixels.

    Args:
        image: uint8 [size, size, 3].
        key: int64 [2].
        probability: of the rectangle, in (0, 1].
    """
    happens, area, aspect, top, left = tf.unstack(tf.random.stateless_uniform([5], key))

    def with_noise() -> tf.Tensor:
        noise_key = tf.random.experimental.stateless_fold_in(key, 1)
        noise = tf.random.stateless_uniform(
            tf.shape(image), noise_key, 0, 256, tf.int32
        )
        inside = _rectangle(tf.shape(image)[:2], area, aspect, (top, left))
        return tf.where(inside[..., None], tf.cast(noise, tf.uint8), image)

    erased = tf.cond(happens < probability, with_noise, lambda: image)
    return tf.ensure_shape(erased, image.shape)


def _rectangle(
    size: tf.Tensor,
    area: tf.Tensor,
    aspect: tf.Tensor,
    corner: tuple[tf.Tensor, tf.Tensor],
) -> tf.Tensor:
    """Return which pixels are in the rectangle, bool [height, width].

    Args:
        size: int32 [2].
        area: where in its range it is, in [0, 1).
        aspect: likewise.
        corner: likewise, top and left.
    """
    sides = tf.cast(size, tf.float32)
    share = _AREA[0] + area * (_AREA[1] - _AREA[0])
    log_low, log_high = (math.log(bound) for bound in _ASPECT)
    ratio = tf.exp(log_low + aspect * (log_high - log_low))
    pixels = share * sides[0] * sides[1]
    extent = tf.stack([tf.sqrt(pixels * ratio), tf.sqrt(pixels / ratio)])
    extent = tf.clip_by_value(tf.round(extent), 1.0, sides)
    begin = tf.floor(tf.stack(corner) * (sides - extent + 1))
    ranges = [tf.range(sides[axis]) for axis in range(2)]
    rows, columns = (
        (r >= begin[axis]) & (r < begin[axis] + extent[axis])
        for axis, r in enumerate(ranges)
    )
    return rows[:, None] & columns[None, :]
