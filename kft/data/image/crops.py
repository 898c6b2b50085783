"""Parts of square images, of a fixed size at fixed places."""

from collections.abc import Callable, Sequence

import keras

Crop = Callable[[keras.KerasTensor], keras.KerasTensor]


def corners_and_middle(side: int, size: int) -> Sequence[Crop]:
    """Return functions from images [n, side, side, 3] to five parts [n, size, size, 3].

    Args:
        side: of the images, in pixels.
        size: of the parts, at most `side`.

    Returns:
        Those of the middle, top left, top right, bottom left and bottom right.
    """
    middle, end = (side - size) // 2, side - size
    places = [(middle, middle), (0, 0), (0, end), (end, 0), (end, end)]
    return [_at(top, left, size) for top, left in places]


def _at(top: int, left: int, size: int) -> Crop:
    def crop(images: keras.KerasTensor) -> keras.KerasTensor:
        return images[:, top : top + size, left : left + size]

    return crop
