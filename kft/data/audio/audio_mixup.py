"""Mixup of sounds: two examples in one, whose labels are mixed alike.

Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018, section 2.
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


def mix(
    augmentations: Sequence[Augmentation], *, num_classes: int
) -> epoch_plan.Mix | None:
    """Return how the flag mixes sounds, None where it does not."""
    chosen = config_augmentations.mixes(augmentations)
    if not chosen:
        return None
    (mixup,) = chosen
    return epoch_plan.Mix(
        num_classes=num_classes,
        width=1,
        draw=functools.partial(_draw, alpha=mixup.strength or 1.0),
        apply=_apply,
    )


def _draw(keys: np.ndarray, *, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the share that each row keeps of itself, [...], also as [..., 1]."""
    from scipy import special

    (drawn,) = np.moveaxis(keyed_numbers.uniforms(keys, 1), -1, 0)
    kept = special.betaincinv(alpha, alpha, drawn)
    return kept, kept[..., None].astype(np.float32)


def _apply(sounds: "tf.Tensor", others: "tf.Tensor", kept: "tf.Tensor") -> "tf.Tensor":
    """Return the mixed sounds, float32 [batch, samples]."""
    return kept * sounds + (1.0 - kept) * others
