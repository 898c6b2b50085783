"""Pictures as Pillow reads them, without TensorFlow."""

import contextlib
import io
from collections.abc import Iterator, Sequence

import numpy as np
import PIL
from PIL import Image, ImageOps

# What a picture may be, in words.
KINDS = "JPEG, PNG, WebP, GIF or BMP"
TOO_LARGE = "the picture has more pixels than --max_pixels={}; its height and width are"
# What Image.open refuses by itself, in pixels: twice the default MAX_IMAGE_PIXELS.
_PILLOW_LIMIT = 2 * 89_478_485
# JPEG is always for TensorFlow.
_FORMATS = ("BMP", "GIF", "PNG", "WEBP")


@contextlib.contextmanager
def opened(
    payload: bytes, *, formats: Sequence[str], max_pixels: int | None
) -> Iterator[Image.Image]:
    """Give an encoded picture whose header has been read.

    Args:
        payload: the encoded picture.
        formats: what it may be, as Pillow calls it.
        max_pixels: largest number of pixels; None for no limit of kft's own.

    Raises:
        ValueError: where it is of no such format, or too large.
        Exception: of many kinds, as Pillow does for damaged pictures.
    """
    try:
        picture = Image.open(io.BytesIO(payload), formats=formats)
    except PIL.UnidentifiedImageError:
        raise ValueError(
            f"not a picture: expected {KINDS}, received {len(payload)} bytes"
            + (f" that begin with {payload[:16]!r}" if payload else "")
        ) from None
    except Image.DecompressionBombError:
        if max_pixels is None or max_pixels > _PILLOW_LIMIT:
            raise
        raise ValueError(TOO_LARGE.format(max_pixels)) from None
    with picture:
        width, height = picture.size
        if max_pixels is not None and width * height > max_pixels:
            raise ValueError(
                f"{TOO_LARGE.format(max_pixels)}: height and width are {height} {width}"
            )
        yield picture


def read(payload: bytes, *, max_pixels: int | None = None) -> np.ndarray:
    """Return the first frame of an encoded picture, uint8 [height, width, 3], upright.

    What is transparent shows white.

    Raises:
        ValueError: where it is not BMP, GIF, PNG or WebP, or is too large.
        Exception: of many kinds, as Pillow does for damaged pictures.
    """
    with opened(payload, formats=_FORMATS, max_pixels=max_pixels) as picture:
        return np.asarray(to_rgb(ImageOps.exif_transpose(picture)))


def to_rgb(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, on white where it is transparent."""
    if picture.mode.startswith("I"):
        # 16-bit gray: the high byte, as libpng makes 8 bits of it.
        gray = np.asarray(picture).astype(np.int32) >> 8
        return Image.fromarray(gray.astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")
