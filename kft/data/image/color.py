"""Operations on the colours of an image, with the arithmetic of Pillow.

Images are uint8 [height, width, 3], RGB, and so are the results.
"""

import tensorflow as tf

# ITU-R 601-2 luma in 16 bits, as Pillow's conversion to L.
_LUMA = (19595, 38470, 7471)


def jitter(image: tf.Tensor, key: tf.Tensor, *, strength: float) -> tf.Tensor:
    """Return the image with random brightness, contrast and saturation.

    Each changes by a factor that is uniform in [1 - strength, 1 + strength], in this
    order (ColorJitter of torchvision and timm, which also draw the order).

    Args:
        image: to change.
        key: int64 [2]; decides the factors.
        strength: in (0, 1].
    """
    factors = tf.random.stateless_uniform([3], key, 1 - strength, 1 + strength)
    for number, change in enumerate((brightness, contrast, saturation)):
        image = change(image, factors[number])
    return image


def brightness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image, or black, or what lies between and beyond."""
    return _blend(tf.zeros_like(image), image, factor)


def contrast(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image, or its mean gray, or what lies between and beyond."""
    gray = _gray(image)
    mean = tf.reduce_mean(tf.cast(gray, tf.float64))
    mean = tf.cast(tf.floor(mean + 0.5), tf.uint8)
    return _blend(tf.fill(tf.shape(image), mean), image, factor)


def saturation(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image, or it without colour, or what lies between and beyond."""
    gray = tf.cast(_gray(image), tf.uint8)
    return _blend(tf.tile(gray[..., None], [1, 1, 3]), image, factor)


def sharpness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the image, or it smoothed, or what lies between and beyond."""
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32) / 13
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, 3, 1])
    smooth = tf.nn.depthwise_conv2d(
        tf.cast(image, tf.float32)[None], kernel, [1, 1, 1, 1], "VALID"
    )[0]
    smooth = tf.cast(tf.floor(smooth + 0.5), tf.uint8)
    # The border stays as it is.
    inside = tf.pad(tf.ones_like(smooth, tf.bool), [[1, 1], [1, 1], [0, 0]])
    smooth = tf.where(inside, tf.pad(smooth, [[1, 1], [1, 1], [0, 0]]), image)
    return _blend(smooth, image, factor)


def autocontrast(image: tf.Tensor) -> tf.Tensor:
    """Return the image with each channel stretched to 0-255."""
    lowest, highest = (
        tf.cast(reduce(image, axis=[0, 1]), tf.float64)
        for reduce in (tf.reduce_min, tf.reduce_max)
    )
    scale = 255 / tf.maximum(highest - lowest, 1)
    values = tf.range(256, dtype=tf.float64)[:, None]
    stretched = tf.clip_by_value(values * scale - lowest * scale, 0, 255)
    table = tf.where(highest > lowest, stretched, values)
    return _look_up(image, tf.cast(table, tf.int32))


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Return the image with all values of each channel about equally often."""
    counts = tf.stack(
        [
            tf.math.bincount(
                tf.cast(tf.reshape(image[..., c], [-1]), tf.int32),
                minlength=256,
                maxlength=256,
            )
            for c in range(3)
        ],
        axis=1,
    )
    largest = tf.cast(tf.reduce_max(image, axis=[0, 1]), tf.int32)
    of_largest = tf.linalg.diag_part(tf.gather(counts, largest))
    step = (tf.reduce_sum(counts, axis=0) - of_largest) // 255
    before = tf.cumsum(counts, axis=0, exclusive=True)
    spread = tf.minimum((before + step // 2) // tf.maximum(step, 1), 255)
    # Images of one value, or of a few pixels, stay as they are.
    return _look_up(image, tf.where(step > 0, spread, tf.range(256)[:, None]))


def invert(image: tf.Tensor) -> tf.Tensor:
    """Return the negative."""
    return 255 - image


def posterize(image: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Return the image with only so many bits of each value, int32 in [1, 8]."""
    lost = tf.cast(8 - bits, tf.uint8)
    return tf.bitwise.left_shift(tf.bitwise.right_shift(image, lost), lost)


def solarize(image: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """Return the image with values from an int32 threshold on inverted."""
    values = tf.cast(image, tf.int32)
    return tf.where(values >= threshold, 255 - image, image)


def solarize_add(image: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    """Return the image with an int32 amount added to values below 128."""
    values = tf.cast(image, tf.int32)
    added = tf.cast(tf.minimum(values + amount, 255), tf.uint8)
    return tf.where(values < 128, added, image)


def _blend(first: tf.Tensor, second: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return `first` for a factor of 0, `second` for 1; cut off, not rounded."""
    one, other = (tf.cast(image, tf.float32) for image in (first, second))
    mixed = tf.clip_by_value(one + factor * (other - one), 0.0, 255.0)
    return tf.cast(mixed, tf.uint8)


def _gray(image: tf.Tensor) -> tf.Tensor:
    """Return the luma, int32 [height, width], 0-255."""
    weighted = tf.cast(image, tf.int32) * tf.constant(_LUMA)
    return (tf.reduce_sum(weighted, axis=-1) + 0x8000) // 65536


def _look_up(image: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Return the image with value v of channel c replaced by table[v, c]."""
    places = tf.cast(image, tf.int32) * 3 + tf.range(3)
    return tf.cast(tf.gather(tf.reshape(table, [-1]), places), tf.uint8)
