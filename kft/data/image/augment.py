"""Stateless augmentation: the same key always gives the same image."""

import tensorflow as tf

from kft import config as config_lib
from kft.config import augmentations
from kft.data.image import (
    color,
    decode,
    jpeg_scans_graph,
    rand_augment,
    random_erasing,
    resize,
)

# Area and aspect of random resized crops (Szegedy et al., Going Deeper with
# Convolutions, section 6; the defaults of timm and torchvision).
CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)


def eval_image(
    payload: tf.Tensor, *, config: config_lib.ImageOptions, size: int
) -> tf.Tensor:
    """Return an input from an encoded image, nothing random, uint8 [size, size, 3].

    Args:
        payload: the encoded image, tf.string [].
        config: its `resize` and `max_pixels`.
        size: side in pixels.
    """
    image = decode.decode(payload, max_pixels=config.max_pixels)
    return resize.resize(image, size=size, method=config.resize)


def train_image(
    payload: tf.Tensor, key: tf.Tensor, *, config: config_lib.ImageOptions, size: int
) -> tf.Tensor:
    """Return a training input from an encoded image, uint8 [size, size, 3].

    `none` is `eval_image`; `flip` also mirrors every second image, as the key says;
    `standard` takes a random crop (`CROP_AREA`, `CROP_ASPECT`) in place of the resize
    of evaluation, and mirrors. Colours, RandAugment and random erasing come after; what
    mixes two images is left to `mixing`.

    Args:
        payload: the encoded image, tf.string [].
        key: int64 [2]; decides all that is random.
        config: its `augment`, `resize` and `max_pixels`.
        size: side in pixels.
    """
    chosen = augmentations.parse(config.augment)
    if any(one.name == "standard" for one in chosen):
        crop = _random_crop(payload, key, max_pixels=config.max_pixels)
        image = resize.scale(crop, size)
    else:
        image = eval_image(payload, config=config, size=size)
    for one in chosen:
        if one.name in _STEPS:
            number, run = _STEPS[one.name]
            own_key = tf.random.experimental.stateless_fold_in(key, number)
            image = run(image, own_key, one.strength)
    return image


def _flip(image: tf.Tensor, key: tf.Tensor, strength: None) -> tf.Tensor:
    return tf.image.stateless_random_flip_left_right(image, key)


# What is done to an image of the right size: the number that makes its key, so that
# one step draws the same whatever else the flag names, and the function.
_STEPS = {
    "flip": (1, _flip),
    "standard": (1, _flip),
    "color": (2, lambda p, key, value: color.jitter(p, key, strength=value)),
    "randaugment": (
        3,
        lambda p, key, value: rand_augment.rand_augment(p, key, magnitude=value),
    ),
    "random_erasing": (
        4,
        lambda p, key, value: random_erasing.erase(p, key, probability=value),
    ),
}


def _random_crop(payload: tf.Tensor, key: tf.Tensor, *, max_pixels: int) -> tf.Tensor:
    """Return a random part of an encoded image, uint8 [height, width, 3]."""

    def decode_part() -> tf.Tensor:
        # Only the part is decoded: faster, and equal but for a shade at its borders.
        size = tf.image.extract_jpeg_shape(payload)[:2]
        checked = decode.check_size(payload, size, max_pixels)
        checked = jpeg_scans_graph.check(checked)
        begin, extent = _random_box(size, key)
        return tf.io.decode_and_crop_jpeg(
            checked,
            tf.concat([begin, extent], axis=0),
            channels=3,
            dct_method=decode.DCT_METHOD,
        )

    def decode_all() -> tf.Tensor:
        image = decode.decode_unusual(payload, max_pixels=max_pixels)
        begin, extent = _random_box(tf.shape(image)[:2], key)
        end = begin + extent
        return image[begin[0] : end[0], begin[1] : end[1]]

    return decode.if_usual(payload, decode_part, decode_all)


def _random_box(size: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return top left corner and extent of a random part, int32 [2] each."""
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([size, [3]], axis=0),
        tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        key,
        min_object_covered=0.0,
        aspect_ratio_range=CROP_ASPECT,
        area_range=CROP_AREA,
    )
    return begin[:2], extent[:2]
