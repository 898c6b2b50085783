"""Stateless augmentation: the same key always gives the same picture."""

import tensorflow as tf

from kft import config as config_lib
from kft.data import decode, resize

# Area and aspect of random resized crops (Szegedy et al., Going Deeper with
# Convolutions, section 6; the defaults of timm and torchvision).
CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)


def train_picture(
    payload: tf.Tensor, key: tf.Tensor, *, config: config_lib.DataConfig, size: int
) -> tf.Tensor:
    """Return a training input from an encoded picture, uint8 [size, size, 3].

    Args:
        payload: the encoded picture, tf.string [].
        key: int64 [2]; decides all that is random.
        config: its `augment` and `resize`.
        size: side in pixels.
    """
    return augment(decode.decode(payload), key, config=config, size=size)


def augment(
    picture: tf.Tensor, key: tf.Tensor, *, config: config_lib.DataConfig, size: int
) -> tf.Tensor:
    """Return a training input from a picture of any size, uint8 [size, size, 3].

    `none` is the resize of evaluation; `flip` also mirrors every second picture, as
    the key says; `standard` takes a random crop (`CROP_AREA`, `CROP_ASPECT`) in place
    of that resize, and mirrors.
    """
    if config.augment == "standard":
        picture = resize.scale(_random_crop(picture, key), size)
    else:
        picture = resize.resize(picture, size=size, method=config.resize)
    if config.augment == "none":
        return picture
    flip_key = tf.random.experimental.stateless_fold_in(key, 1)
    return tf.image.stateless_random_flip_left_right(picture, flip_key)


def _random_crop(picture: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(picture),
        tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        key,
        min_object_covered=0.0,
        aspect_ratio_range=CROP_ASPECT,
        area_range=CROP_AREA,
    )
    return tf.slice(picture, begin, extent)
