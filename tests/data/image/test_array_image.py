"""Images that somebody has as arrays."""

import io

import numpy as np
import PIL.Image
import pytest

from kft import errors
from kft.data.image import array_image


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7), (5, 7, 1), (1, 1, 3)])
def test_the_file_has_the_pixels_of_the_array(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    read = np.asarray(PIL.Image.open(io.BytesIO(array_image.encode(image))))
    expected = image if image.shape[-1:] == (3,) else image.reshape([*shape[:2], 1])
    assert (read == np.broadcast_to(expected, read.shape)).all()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros([4, 4, 3], np.float32), r"float32 .* from 0 to 0.*image \* 255"),
        (np.full([4, 4, 3], 200.0), r"from 200 to 200.*\(image\)\.round"),
        (np.zeros([4, 4, 3], np.int64), "received int64"),
        (np.zeros([4, 4, 4], np.uint8), r"received \[4, 4, 4\]"),
        (np.zeros([2, 4, 4, 3], np.uint8), r"received \[2, 4, 4, 3\]"),
        (np.zeros([0, 4, 3], np.uint8), r"received \[0, 4, 3\]"),
    ],
)
def test_what_is_no_image_is_asked_about(image: np.ndarray, said: str) -> None:
    with pytest.raises(errors.DataError, match=said):
        array_image.encode(image)
