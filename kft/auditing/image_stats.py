"""What one image is like: the part of an audit that runs in many processes."""

import dataclasses
import hashlib
import io
import signal
import warnings
from collections.abc import Sequence

import imagehash
import numpy as np
from PIL import Image, ImageOps

from kft.data.image import pillow

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
# The hash reads 32 x 32 pixels, and of these the coarse waves. What is not larger has
# nothing else: there handwritten digits of a kind have the same hash.
SMALLEST_HASHED = 64
# Standard deviation of the gray values, 0-255, below which a hash is that of noise.
_FLAT = 2.0
# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, but not below this.
_DRAFT = (128, 128)
_THUMBNAIL = (160, 160)


@dataclasses.dataclass(frozen=True)
class Unread:
    """Stands for bytes that could not be read.

    Attributes:
        reason: one line.
    """

    reason: str


# The path of a local file, its bytes, or why there are none.
Source = str | bytes | Unread


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What an image is like.

    Attributes:
        reason: why it cannot be read, one line; None for a good one. Nothing below is
            known of a bad one.
        digest: SHA-256 of the bytes.
        kind: format by the content, one of `FORMATS`.
        width: pixels, when it is upright.
        height: pixels, when it is upright.
        is_flat: whether it is of one color.
        hash: perceptual hash, 64 bits; None for small and flat images, of which it
            says nothing.
    """

    reason: str | None = None
    digest: bytes = b""
    kind: str = ""
    width: int = 0
    height: int = 0
    is_flat: bool = False
    hash: int | None = None


def start() -> None:
    """Make a process of its own ready: Ctrl-C is for the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # --max_pixels is the limit.
    Image.MAX_IMAGE_PIXELS = None


def look_at(sources: Sequence[Source], max_pixels: int) -> list[Look]:
    """Return what the images are like, each read to its end."""
    return [_look(source, max_pixels) for source in sources]


def thumbnail(source: Source) -> bytes | None:
    """Return a small JPEG of an image, None where it cannot be read."""
    try:
        with pillow.opened(_content(source), formats=FORMATS, max_pixels=None) as found:
            small = _small(found, _THUMBNAIL)
            small.thumbnail(_THUMBNAIL)
            file = io.BytesIO()
            small.save(file, "JPEG", quality=75)
    # A damaged file fails in any way; see `_look`.
    except Exception:  # noqa: BLE001
        return None
    return file.getvalue()


def _look(source: Source, max_pixels: int) -> Look:
    try:
        content = _content(source)
        with (
            warnings.catch_warnings(),
            pillow.opened(content, formats=FORMATS, max_pixels=max_pixels) as found,
        ):
            # What Pillow has to say about odd EXIF data is no finding.
            warnings.simplefilter("ignore")
            # Some cameras put several images in one JPEG.
            kind = "JPEG" if found.format == "MPO" else found.format
            orientation = found.getexif().get(0x0112, 1)
            size = found.size[::-1] if 5 <= orientation <= 8 else found.size
            small = _small(found, _DRAFT).convert("L")
    # Pillow's decoders raise errors of many kinds for damaged files.
    except Exception as error:  # noqa: BLE001
        return Look(reason=_reason(error))
    gray = np.asarray(small.resize((32, 32), Image.Resampling.BOX))
    is_flat = bool(gray.std() < _FLAT)
    is_hashed = min(size) >= SMALLEST_HASHED and not is_flat
    return Look(
        digest=hashlib.sha256(content).digest(),
        kind=kind,
        width=size[0],
        height=size[1],
        is_flat=is_flat,
        hash=_hash(small) if is_hashed else None,
    )


def _content(source: Source) -> bytes:
    if isinstance(source, Unread):
        raise ValueError(source.reason)
    if isinstance(source, bytes):
        return source
    with open(source, "rb") as file:
        return file.read()


def _small(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the first frame upright, RGB on white; a large JPEG made smaller."""
    image.draft("RGB", size)
    return pillow.to_rgb(ImageOps.exif_transpose(image))


def _hash(image: Image.Image) -> int:
    bits = imagehash.phash(image).hash
    return int.from_bytes(np.packbits(bits).tobytes())


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
