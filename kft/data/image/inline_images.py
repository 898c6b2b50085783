"""Images that stand in a page itself, as data addresses."""

import base64
import io

import numpy as np
from PIL import Image

# Side in pixels: sharp on a phone, and about 5 kB each.
_SIDE = 144
_JPEG_QUALITY = 80
# A map of a few places becomes smooth; browsers differ in how they enlarge.
_HEAT_SIDE = 36
_MOST_OPAQUE = 150


def photo(pixels: np.ndarray) -> str:
    """Return an image, uint8 [height, width, 3], no larger than is needed."""
    image = Image.fromarray(pixels)
    image.thumbnail((_SIDE, _SIDE))
    return _jpeg(image)


def heat(places: np.ndarray) -> str:
    """Return a see-through image of heat [rows, columns] in [0, 1], to lay over.

    Cold places are clear, warm ones blue, the hottest pink: photographs have little of
    both.
    """
    enlarged = Image.fromarray((places * 255).astype(np.uint8)).resize(
        (_HEAT_SIDE, _HEAT_SIDE), Image.Resampling.BILINEAR
    )
    share = np.asarray(enlarged) / 255
    colours = np.zeros((_HEAT_SIDE, _HEAT_SIDE, 4))
    colours[..., 0] = 40 + 215 * share
    colours[..., 1] = 60 * (1 - share)
    colours[..., 2] = 255 - 75 * share
    colours[..., 3] = _MOST_OPAQUE * share
    return _png(Image.fromarray(colours.astype(np.uint8)))


def _jpeg(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return _address("image/jpeg", file.getvalue())


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return _address("image/png", file.getvalue())


def _address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
