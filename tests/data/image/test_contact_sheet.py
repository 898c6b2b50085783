"""A contact sheet shows every pixel as it is, and a caption below."""

import io

import numpy as np
import pytest
from PIL import Image

from kft.data.image import contact_sheet


def _sheet(n, size, captions=None):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, size, size, 3)).astype(np.uint8)
    content = contact_sheet.png(images, captions or [f"class {i}" for i in range(n)])
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    return images, np.asarray(image)


@pytest.mark.parametrize(("size", "scale"), [(150, 1), (128, 1), (64, 2), (30, 5)])
def test_every_pixel_is_shown_as_it_is(size, scale):
    images, sheet = _sheet(5, size)
    side, gap = size * scale, 6
    cell = (side + gap + 26, side + gap)
    # Five images: two rows of three columns.
    assert sheet.shape == (2 * cell[0] + gap, 3 * cell[1] + gap, 3)
    for number, image in enumerate(images):
        row, column = divmod(number, 3)
        top, left = gap + row * cell[0], gap + column * cell[1]
        shown = sheet[top : top + side, left : left + side]
        np.testing.assert_array_equal(shown[::scale, ::scale], image)
        np.testing.assert_array_equal(shown[scale - 1 :: scale, ::scale], image)
        caption = sheet[top + side : top + side + 20, left : left + side]
        assert (caption < 128).any()


def test_a_long_caption_stays_below_its_image():
    _, short = _sheet(2, 128, ["a", ""])
    _, long = _sheet(2, 128, ["a" * 300, ""])
    assert short.shape == long.shape
    beneath = np.s_[6 + 128 : 6 + 128 + 24]
    assert (long[beneath][:, 70:134] < 128).any()
    assert (long[beneath][:, 140:] == 255).all()
