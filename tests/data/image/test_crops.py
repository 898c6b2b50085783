"""Parts of square images: where they are."""

import numpy as np
import pytest

from kft.data.image import crops


@pytest.mark.parametrize(("side", "size", "middle"), [(8, 7, 0), (9, 6, 1), (6, 2, 2)])
def test_five_parts_are_the_middle_and_the_corners(
    side: int, size: int, middle: int
) -> None:
    images = np.arange(2 * side * side * 3).reshape(2, side, side, 3)
    found = [crop(images) for crop in crops.corners_and_middle(side, size)]
    end = side - size
    expected = [(middle, middle), (0, 0), (0, end), (end, 0), (end, end)]
    assert len(found) == len(expected)
    for part, (top, left) in zip(found, expected, strict=True):
        assert part.shape == (2, size, size, 3)
        np.testing.assert_array_equal(part[:, 0, 0], images[:, top, left])
        np.testing.assert_array_equal(
            part[:, -1, -1], images[:, top + size - 1, left + size - 1]
        )
