"""One resize for everything: what it keeps, and that it does not alias."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kft.data.image import resize


def _framed(height, width, border):
    """Return a white image with a black border of so many pixels."""
    image = np.full([height, width, 3], 255, np.uint8)
    image[:border] = image[-border:] = 0
    image[:, :border] = image[:, -border:] = 0
    return image


def _resize(image, size, method):
    return resize.resize(tf.constant(image), size=size, method=method).numpy()


@pytest.mark.parametrize("side", [64, 100, 400])
def test_crop_keeps_seven_eighths_of_the_shorter_side(side):
    # The border that is cut off is 1/16 of the side on each edge.
    border = side // 16
    assert _resize(_framed(side, side, border), 64, "crop").min() == 255
    assert _resize(_framed(side, side, border + 2), 64, "crop").min() < 255


def test_crop_takes_the_middle_of_the_longer_side():
    image = np.zeros([100, 300, 3], np.uint8)
    image[:, 106:194] = 255
    assert _resize(image, 32, "crop").min() == 255


@pytest.mark.parametrize("shape", [(64, 64), (64, 200), (130, 64)])
def test_square_takes_all_of_the_shorter_side_in_the_middle(shape):
    height, width = shape
    image = np.zeros([*shape, 3], np.uint8)
    top, left = (height - 64) // 2, (width - 64) // 2
    image[top : top + 64, left : left + 64] = 255
    assert _resize(image, 64, "square").min() == 255
    image[top, left] = 0
    assert _resize(image, 64, "square")[0, 0].max() == 0


@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (37, 53), (1, 1), (1, 500)])
@pytest.mark.parametrize("method", ["crop", "square", "pad", "squash"])
def test_the_result_is_a_square_of_a_static_shape(shape, method):
    make = tf.function(
        lambda image: resize.resize(image, size=24, method=method),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    concrete = make.get_concrete_function()
    assert concrete.output_shapes == (24, 24, 3)
    assert concrete.output_dtypes == tf.uint8
    white = np.full([*shape, 3], 255, np.uint8)
    result = make(tf.constant(white)).numpy()
    np.testing.assert_array_equal(result, _resize(white, 24, method))
    assert result.max() == 255
    if method != "pad":
        assert result.min() == 255


def test_pad_keeps_everything_and_its_aspect_on_black():
    result = _resize(np.full([20, 40, 3], 255, np.uint8), 40, "pad")
    assert result[:10].max() == 0
    assert result[10:30].min() == 255
    assert result[30:].max() == 0


def test_squash_keeps_everything():
    result = _resize(_framed(40, 80, 10), 40, "squash")
    assert result[:9].max() == 0
    assert result[:, :4].max() == 0
    assert result[20, 20].min() == 255


@pytest.mark.parametrize("method", ["crop", "square", "pad", "squash"])
def test_fine_stripes_become_gray_and_not_a_pattern(method):
    stripes = np.zeros([512, 512, 3], np.uint8)
    stripes[:, ::2] = 255
    inside = _resize(stripes, 64, method)[8:-8, 8:-8]
    assert np.abs(inside.astype(int) - 128).max() <= 4


@pytest.mark.parametrize(("shape", "size"), [((200, 300), 64), ((30, 20), 64)])
def test_pixels_are_close_to_those_of_pillow(shape, size):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, [8, 8, 3], dtype=np.uint8)
    image = np.asarray(Image.fromarray(small).resize(shape[::-1], Image.BICUBIC))
    expected = Image.fromarray(image).resize((size, size), Image.BILINEAR)
    result = _resize(image, size, "squash")
    assert np.abs(result.astype(int) - np.asarray(expected)).max() <= 2


def test_enlarging_without_antialias_changes_no_pixel_by_more_than_rounding():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, [40, 50, 3], dtype=np.uint8)
    exact = tf.image.resize(image, [64, 64], method="bilinear", antialias=True)
    difference = _resize(image, 64, "squash") - exact.numpy()
    assert np.abs(difference).max() <= 0.501


def test_rounds_and_does_not_cut_off():
    image = np.zeros([1, 2, 3], np.uint8)
    image[0, 1] = 3
    assert set(np.unique(_resize(image, 4, "squash"))) == {0, 1, 2, 3}
