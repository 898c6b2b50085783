"""Mixup and CutMix: images of two examples, whose labels are mixed alike.

All that is random is drawn in NumPy, from the key of the row; what is left for
TensorFlow is arithmetic on pixels.
"""

import functools
import typing
from collections.abc import Sequence

import numpy as np

from kft.config import augmentations as config_augmentations
from kft.config.augmentations import Augmentation
from kft.data import epoch_plan, keyed_numbers

if typing.TYPE_CHECKING:
    import tensorflow as tf

# How much of the other image there is within a box, and its edges: top, bottom, left,
# right, in pixels.
_WIDTH = 5


def mix(
    augmentations: Sequence[Augmentation], *, num_classes: int, size: int
) -> epoch_plan.Mix | None:
    """Return how the flag mixes images, None where it does not.

    With both mixup and cutmix, each row draws one of them (as with timm's
    `switch_prob` of 0.5).

    Args:
        augmentations: of `--augment`.
        num_classes: of the labels.
        size: side of an image in pixels.
    """
    chosen = config_augmentations.mixes(augmentations)
    if not chosen:
        return None
    return epoch_plan.Mix(
        num_classes=num_classes,
        width=_WIDTH,
        draw=functools.partial(_draw, chosen=chosen, size=size),
        apply=_apply,
    )


def _draw(
    keys: np.ndarray, *, chosen: Sequence[Augmentation], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share that each row keeps of itself, [...], and how, [..., 5]."""
    which, share, y, x = np.moveaxis(keyed_numbers.uniforms(keys, 4), -1, 0)
    drawn = [_of_one(one, share, (y, x), size) for one in chosen]
    # Of two, the one that the first number says.
    picked = np.minimum(which * len(drawn), len(drawn) - 1).astype(int)
    numbers = np.choose(picked[..., None], drawn).astype(np.float32)
    opacity, top, bottom, left, right = np.moveaxis(numbers.astype(np.float64), -1, 0)
    return 1 - opacity * (bottom - top) * (right - left) / size**2, numbers


def _of_one(
    one: Augmentation,
    share: np.ndarray,
    centre: tuple[np.ndarray, np.ndarray],
    size: int,
) -> np.ndarray:
    """Return the numbers of mixup or CutMix, [..., 5].

    Args:
        one: which of them; its strength is alpha of Beta(alpha, alpha).
        share: uniform; its quantile is lambda, the share of the row itself.
        centre: of the box, as uniform shares of height and width.
        size: side of an image in pixels.
    """
    from scipy import special

    if one.strength is None:
        raise ValueError(f"{one.name}: expected a strength, alpha; received none")
    kept = special.betaincinv(one.strength, one.strength, share)
    if one.name == "mixup":
        # Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018, section 2.
        zero, whole = np.zeros_like(kept), np.full_like(kept, size)
        return np.stack([1 - kept, zero, whole, zero, whole], axis=-1)
    # Yun et al., CutMix, 2019, equation 2 and rand_bbox of the authors: a box of the
    # aspect of the image, cut off at its borders.
    half = np.floor(size * np.sqrt(1 - kept)) // 2
    edges = []
    for place in centre:
        middle = np.floor(place * size)
        edges += [np.maximum(middle - half, 0), np.minimum(middle + half, size)]
    return np.stack([np.ones_like(kept), *edges], axis=-1)


def _apply(
    images: "tf.Tensor", others: "tf.Tensor", numbers: "tf.Tensor"
) -> "tf.Tensor":
    """Return the mixed images.

    Args:
        images: uint8 [batch, size, size, 3].
        others: likewise, the other of each pair.
        numbers: float32 [batch, 5].
    """
    import tensorflow as tf

    opacity, top, bottom, left, right = tf.unstack(numbers[:, :, None], axis=1)
    places = tf.range(images.shape[1], dtype=tf.float32)[None]
    rows = (places >= top) & (places < bottom)
    columns = (places >= left) & (places < right)
    inside = tf.cast(rows[:, :, None] & columns[:, None, :], tf.float32)
    weights = (inside * opacity[:, :, None])[..., None]
    own, other = tf.cast(images, tf.float32), tf.cast(others, tf.float32)
    return tf.cast(tf.round(own + weights * (other - own)), tf.uint8)
