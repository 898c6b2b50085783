"""RandAugment: two operations of fifteen, of which only those that are drawn run.

Cubuk et al., RandAugment, 2019, with the operations and ranges of timm's
`rand-m9-mstd0.5-inc1` (timm/data/auto_augment.py): each of the two happens with
probability 0.5, its magnitude is normal about the given one, and a larger magnitude
changes every image more. Unlike there, what comes in from outside is gray, all
interpolation is bilinear, and posterize keeps one bit at least.
"""

from collections.abc import Callable

import tensorflow as tf

from kft.data.image import affine, color

_LAYERS = 2
_PROBABILITY = 0.5
_DEVIATION = 0.5
_LARGEST = 10.0

# From an image, the magnitude as a share of the largest, and a sign of -1 or 1.
Operation = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def _enhanced(
    change: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> Operation:
    """Return an operation by a factor from 0.1 to 1.9."""
    return lambda p, level, sign: change(p, tf.maximum(0.1, 1 + sign * 0.9 * level))


def _count(number: tf.Tensor) -> tf.Tensor:
    return tf.cast(number, tf.int32)


OPERATIONS: dict[str, Operation] = {
    "autocontrast": lambda p, level, sign: color.autocontrast(p),
    "equalize": lambda p, level, sign: color.equalize(p),
    "invert": lambda p, level, sign: color.invert(p),
    "rotate": lambda p, level, sign: affine.rotate(p, sign * 30 * level),
    "posterize": lambda p, level, sign: color.posterize(
        p, tf.maximum(1, 4 - _count(level * 4))
    ),
    "solarize": lambda p, level, sign: color.solarize(p, 256 - _count(level * 256)),
    "solarize_add": lambda p, level, sign: color.solarize_add(p, _count(level * 110)),
    "color": _enhanced(color.saturation),
    "contrast": _enhanced(color.contrast),
    "brightness": _enhanced(color.brightness),
    "sharpness": _enhanced(color.sharpness),
    "shear_x": lambda p, level, sign: affine.shear_x(p, sign * 0.3 * level),
    "shear_y": lambda p, level, sign: affine.shear_y(p, sign * 0.3 * level),
    "translate_x": lambda p, level, sign: affine.translate_x(p, sign * 0.45 * level),
    "translate_y": lambda p, level, sign: affine.translate_y(p, sign * 0.45 * level),
}


def rand_augment(image: tf.Tensor, key: tf.Tensor, *, magnitude: float) -> tf.Tensor:
    """Return the image after the operations that the key draws.

    Args:
        image: uint8 [size, size, 3].
        key: int64 [2].
        magnitude: mean magnitude, in (0, 10].
    """
    for layer in range(_LAYERS):
        layer_key = tf.random.experimental.stateless_fold_in(key, layer)
        image = _layer(image, layer_key, magnitude)
    return image


def _layer(image: tf.Tensor, key: tf.Tensor, magnitude: float) -> tf.Tensor:
    happens, which, sign = tf.unstack(tf.random.stateless_uniform([3], key))
    normal_key = tf.random.experimental.stateless_fold_in(key, 1)
    drawn = magnitude + _DEVIATION * tf.random.stateless_normal([], normal_key)
    level = tf.clip_by_value(drawn, 0.0, _LARGEST) / _LARGEST
    sign = tf.where(sign < 0.5, -1.0, 1.0)
    # The last branch does nothing.
    index = _count(which * len(OPERATIONS))
    index = tf.where(happens < _PROBABILITY, index, len(OPERATIONS))
    branches = [_branch(run, image, level, sign) for run in OPERATIONS.values()]
    return tf.switch_case(index, [*branches, lambda: tf.identity(image)])


def _branch(
    run: Operation, image: tf.Tensor, level: tf.Tensor, sign: tf.Tensor
) -> Callable[[], tf.Tensor]:
    return lambda: tf.ensure_shape(run(image, level, sign), image.shape)
