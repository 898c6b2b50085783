"""Augmentation is a pure function of the key, and does what its name says."""

import numpy as np
import pytest
import tensorflow as tf

from kft import config
from kft.data.image import augment, color
from tests.data import image_files

_MODES = ["none", "flip", "standard", "color,randaugment,random_erasing@1"]
_PAYLOADS = {
    "jpeg": image_files.encode(image_files.gradient(60, 90), "JPEG"),
    "png": image_files.encode(image_files.gradient(60, 90), "PNG"),
}


def _train(payload, key, **options):
    return augment.train_image(
        tf.constant(payload),
        tf.constant(key, tf.int64),
        config=config.ImageOptions(**options),
        size=32,
    ).numpy()


@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize("kind", _PAYLOADS)
def test_the_same_key_gives_the_same_image_eagerly_and_in_tf_data(mode, kind):
    options = config.ImageOptions(augment=mode)
    keys = np.array([[seed, seed * 7] for seed in range(8)], np.int64)
    dataset = tf.data.Dataset.from_tensor_slices(keys).map(
        lambda key: augment.train_image(
            tf.constant(_PAYLOADS[kind]), key, config=options, size=32
        ),
        num_parallel_calls=2,
    )
    assert dataset.element_spec == tf.TensorSpec([32, 32, 3], tf.uint8)
    for key, image in zip(keys, dataset.as_numpy_iterator(), strict=True):
        np.testing.assert_array_equal(image, _train(_PAYLOADS[kind], key, augment=mode))


def test_none_is_the_image_of_evaluation():
    for method in ("crop", "square", "pad", "squash"):
        options = config.ImageOptions(resize=method)
        expected = augment.eval_image(
            tf.constant(_PAYLOADS["png"]), config=options, size=32
        )
        np.testing.assert_array_equal(
            _train(_PAYLOADS["png"], [1, 2], resize=method), expected
        )


def test_flip_mirrors_every_second_image():
    plain = _train(_PAYLOADS["png"], [0, 0])
    flipped = 0
    for number in range(200):
        image = _train(_PAYLOADS["png"], [5, number], augment="flip")
        is_plain = (image == plain).all()
        assert is_plain or (image == plain[:, ::-1]).all()
        flipped += not is_plain
    # The standard deviation is 7.
    assert 70 <= flipped <= 130


def test_standard_shows_different_parts_at_different_places():
    results = [_train(_PAYLOADS["png"], [3, n], augment="standard") for n in range(100)]
    assert len({image.tobytes() for image in results}) == 100
    spans = [np.ptp(image[..., 0].astype(int)) / 255 for image in results]
    # A crop of area a has at least a share of a of the height, and at most all of it.
    assert 0.08 <= min(spans) < 0.4
    assert 0.85 < max(spans) <= 1


def test_the_part_of_a_jpeg_is_the_part_of_the_decoded_image():
    # The same pixels stored without loss go the way of all other images.
    whole = tf.io.decode_jpeg(_PAYLOADS["jpeg"], dct_method="INTEGER_ACCURATE")
    as_png = tf.io.encode_png(whole).numpy()
    for number in range(20):
        one, other = (
            _train(payload, [9, number], augment="standard").astype(int)
            for payload in (_PAYLOADS["jpeg"], as_png)
        )
        # Colors at the border of a part are interpolated without their neighbours.
        assert np.abs(one - other).mean() < 1.0


def test_steps_of_a_list_draw_what_they_draw_alone():
    for number in range(5):
        key = [7, number]
        cropped = tf.constant(_train(_PAYLOADS["png"], key, augment="standard"))
        own_key = tf.random.experimental.stateless_fold_in(
            tf.constant(key, tf.int64), 2
        )
        expected = color.jitter(cropped, own_key, strength=0.3)
        for augment_flag in ("standard,color@0.3", "mixup,color@0.3,standard"):
            found = _train(_PAYLOADS["png"], key, augment=augment_flag)
            np.testing.assert_array_equal(found, expected)
        assert (found != cropped.numpy()).any()


def test_too_large_images_are_refused_in_every_mode():
    for mode in _MODES:
        for payload in _PAYLOADS.values():
            with pytest.raises(tf.errors.OpError, match="--max_pixels=5399"):
                _train(payload, [0, 0], augment=mode, max_pixels=60 * 90 - 1)
            _train(payload, [0, 0], augment=mode, max_pixels=60 * 90)
