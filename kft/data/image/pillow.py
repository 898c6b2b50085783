"""Images as Pillow reads them, without TensorFlow."""

import contextlib
import io
from collections.abc import Iterator, Sequence

import numpy as np
import PIL
from PIL import Image, ImageOps, TiffImagePlugin

from kft.data.image import jpeg_scans, optional_formats

# What an image may be, in words.
KINDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"
TOO_LARGE = "the image has more pixels than --max_pixels={}"
# What Image.open refuses by itself, in pixels: twice the default MAX_IMAGE_PIXELS.
_PILLOW_LIMIT = 2 * 89_478_485
# JPEG is always for TensorFlow's own op.
_FORMATS = ("BMP", "GIF", "PNG", "TIFF", "WEBP")
# Tags of a TIFF (version 6.0, section 15).
_TILE_SIDES = (322, 323)
_PIXELS_AT_ONCE = 1 << 20
_JPEG = b"\xff\xd8\xff"
# What images begin with, be they whole or not.
_MAGIC = (
    _JPEG,
    b"\x89PNG\r\n\x1a\n",
    b"RIFF",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
)


@contextlib.contextmanager
def opened(
    payload: bytes, *, formats: Sequence[str], max_pixels: int | None
) -> Iterator[Image.Image]:
    """Give an encoded image whose header has been read.

    Args:
        payload: the encoded image.
        formats: what it may be, as Pillow calls it.
        max_pixels: largest number of pixels; None for no limit of kft's own.

    Raises:
        ValueError: where it is of no such format, too large, or of very many scans.
        Exception: of many kinds, as Pillow does for damaged images.
    """
    try:
        image = Image.open(io.BytesIO(payload), formats=tuple(formats))
    except PIL.UnidentifiedImageError:
        raise ValueError(_not_an_image(payload)) from None
    except Image.DecompressionBombError:
        if max_pixels is None or max_pixels > _PILLOW_LIMIT:
            raise
        raise ValueError(TOO_LARGE.format(max_pixels)) from None
    with image:
        width, height = image.size
        if max_pixels is not None and width * height > max_pixels:
            raise ValueError(
                f"{TOO_LARGE.format(max_pixels)}: height and width are {height} {width}"
            )
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            _check_tiles(image, max_pixels)
        if payload.startswith(_JPEG):
            jpeg_scans.check(payload)
        if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
            raise ValueError(
                "a TIFF of 32 bits a value: expected 8 or 16, for nobody says which "
                "value is white"
            )
        yield image


def _check_tiles(image: TiffImagePlugin.TiffImageFile, max_pixels: int | None) -> None:
    """Check that the tiles of a TIFF, one of which is read at a time, are small enough.

    They may be larger than the image.
    """
    width, height = (image.tag_v2.get(tag, 0) for tag in _TILE_SIDES)
    if not (isinstance(width, int) and isinstance(height, int)):
        raise ValueError("a damaged TIFF: the size of its tiles is no number")
    if max_pixels is not None and width * height > max_pixels:
        raise ValueError(
            f"{TOO_LARGE.format(max_pixels)}: height and width of its tiles are "
            f"{height} {width}"
        )


# What stands in place of a file that Git LFS has not fetched.
_LFS = b"version https://git-lfs"


def _not_an_image(payload: bytes) -> str:
    if payload.startswith(_LFS):
        return "a pointer of Git LFS in place of an image: `git lfs pull` fetches it"
    problem = "a damaged" if payload.startswith(_MAGIC) else "not an"
    received = f"{len(payload)} bytes"
    if payload:
        received += f" that begin with {payload[:16]!r}"
    return f"{problem} image: expected {KINDS}, received {received}"


def read(payload: bytes, *, max_pixels: int | None = None) -> np.ndarray:
    """Return the first frame of an encoded image, uint8 [height, width, 3], upright.

    What is transparent shows white.

    Raises:
        ValueError: where it is a JPEG or no image, or is too large.
        Exception: of many kinds, as Pillow does for damaged images.
    """
    formats = (*_FORMATS, *optional_formats.names())
    with opened(payload, formats=formats, max_pixels=max_pixels) as image:
        ImageOps.exif_transpose(image, in_place=True)
        width, height = image.size
        pixels = np.empty((height, width, 3), np.uint8)
        # Some rows at a time: what is in between takes several times the room.
        rows = max(1, _PIXELS_AT_ONCE // width)
        for top in range(0, height, rows):
            part = image.crop((0, top, width, min(top + rows, height)))
            pixels[top : top + rows] = np.asarray(to_rgb(part))
        return pixels


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image as RGB, on white where it is transparent."""
    if image.mode.startswith("I"):
        # 16-bit gray: the high byte, as libpng makes 8 bits of it.
        gray = np.asarray(image).astype(np.int32) >> 8
        return Image.fromarray(gray.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")
