"""The facts of one image that an audit compares. No TensorFlow."""

import dataclasses
import io
import warnings

import imagehash
import numpy as np
from PIL import Image, ImageOps

from kft.data.image import dark_16_bit, optional_formats, pillow

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
# The hash reads 32 x 32 pixels, and of these the coarse waves. What is not larger has
# nothing else: there handwritten digits of a kind have the same hash.
SMALLEST_HASHED = 64
# Standard deviation of the gray values, 0-255, below which a hash is that of noise.
_FLAT = 2.0
# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, but not below this.
_DRAFT = (128, 128)
_THUMBNAIL = (160, 160)


@dataclasses.dataclass(frozen=True, slots=True)
class ImageStats:
    """What an image is like.

    Attributes:
        kind: format by the content, one of `FORMATS`, or AVIF or HEIF.
        width: pixels, when it is upright.
        height: pixels, when it is upright.
        is_flat: whether it is of one color.
        bits: that the largest value needs, of images of 16 bits; None for others.
        hash: perceptual hash, 64 bits; None for small and flat images, of which it
            says nothing.
    """

    kind: str
    width: int
    height: int
    is_flat: bool
    hash: int | None
    bits: int | None = None


def measure(payload: bytes, max_pixels: int) -> ImageStats:
    """Return what an encoded image is like, read to its end.

    Args:
        payload: the encoded image.
        max_pixels: larger images are refused.

    Raises:
        Exception: of many kinds, for what is no image, or too large; see `pillow`.
    """
    with (
        warnings.catch_warnings(),
        pillow.opened(payload, formats=_formats(), max_pixels=max_pixels) as image,
    ):
        # What Pillow has to say about odd EXIF data does not matter here.
        warnings.simplefilter("ignore")
        # Some cameras put several images in one JPEG.
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        orientation = image.getexif().get(0x0112, 1)
        size = image.size[::-1] if 5 <= orientation <= 8 else image.size
        bits = dark_16_bit.used_bits(image)
        small = _small(image, _DRAFT).convert("L")
    gray = np.asarray(small.resize((32, 32), Image.Resampling.BOX))
    is_flat = bool(gray.std() < _FLAT)
    is_hashed = min(size) >= SMALLEST_HASHED and not is_flat
    return ImageStats(
        kind=kind,
        width=size[0],
        height=size[1],
        is_flat=is_flat,
        hash=_hash(small) if is_hashed else None,
        bits=bits,
    )


def thumbnail(payload: bytes) -> bytes:
    """Return a small JPEG of an encoded image.

    Raises:
        Exception: of many kinds, for what is no image; see `pillow`.
    """
    with pillow.opened(payload, formats=_formats(), max_pixels=None) as image:
        small = _small(image, _THUMBNAIL)
        small.thumbnail(_THUMBNAIL)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=75)
    return file.getvalue()


def _formats() -> tuple[str, ...]:
    return (*FORMATS, *optional_formats.names())


def _small(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the first frame upright, RGB on white; a large JPEG made smaller."""
    image.draft("RGB", size)
    return pillow.to_rgb(ImageOps.exif_transpose(image))


def _hash(image: Image.Image) -> int:
    bits = imagehash.phash(image).hash
    return int.from_bytes(np.packbits(bits).tobytes())
