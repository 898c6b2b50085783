import base64
import io

import numpy as np
from PIL import Image

from kft.data.image import inline_images


def _open(address: str) -> np.ndarray:
    _, _, content = address.partition(";base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_heat_is_clear_where_it_is_cold_and_lies_where_it_is_hot() -> None:
    places = np.zeros((4, 4), np.float32)
    places[0, 3] = 1
    alpha = _open(inline_images.heat(places))[..., 3]
    upper_right = alpha[: len(alpha) // 2, len(alpha) // 2 :]
    assert upper_right.sum() > 0.9 * alpha.sum()
    assert alpha[-1, 0] == 0


def test_large_images_are_made_small_and_small_ones_stay() -> None:
    large = np.zeros((600, 600, 3), np.uint8)
    assert _open(inline_images.photo(large)).shape == (144, 144, 3)
    assert _open(inline_images.photo(large[:64, :64])).shape == (64, 64, 3)
