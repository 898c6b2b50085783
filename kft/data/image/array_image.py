"""Images that somebody has as arrays, as files: what follows is the same for all."""

import io

import numpy as np
import PIL.Image

from kft import errors

_EXPECTED = (
    "expected an image as uint8 [height, width, 3] (RGB, 0-255) or [height, width]"
)


def encode(image: np.ndarray) -> bytes:
    """Return an image as a BMP file: nothing is lost, and nothing compressed.

    Args:
        image: uint8 [height, width, 3] RGB, or [height, width] or [height, width, 1]
            in gray; 0-255.

    Raises:
        errors.DataError: for another shape, another type, or an image without pixels.
    """
    if image.dtype != np.uint8:
        hint = ""
        if np.issubdtype(image.dtype, np.floating) and image.size:
            low, high = float(np.nanmin(image)), float(np.nanmax(image))
            factor = " * 255" if high <= 1.0 else ""
            hint = (
                f" with values from {low:g} to {high:g}. If that is the range of its "
                f"colors, give (image{factor}).round().astype('uint8')"
            )
        raise errors.DataError(f"{_EXPECTED}, received {image.dtype}{hint}.")
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    is_rgb = image.ndim == 3 and image.shape[-1] == 3
    if not (is_rgb or image.ndim == 2) or not image.size:
        raise errors.DataError(f"{_EXPECTED}, received {list(image.shape)}.")
    file = io.BytesIO()
    PIL.Image.fromarray(image).convert("RGB").save(file, "BMP")
    return file.getvalue()
