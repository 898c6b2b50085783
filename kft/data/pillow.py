"""Pictures that TensorFlow's ops read wrongly or not at all."""

import io

import numpy as np
import PIL
import tensorflow as tf
from PIL import Image, ImageOps

from kft.data import header

TOO_LARGE = "the picture has more pixels than --max_pixels={}; its height and width are"
# What Image.open refuses by itself, in pixels: twice the default MAX_IMAGE_PIXELS.
_PILLOW_LIMIT = 2 * 89_478_485
# JPEG is always for TensorFlow.
_FORMATS = ("BMP", "GIF", "PNG", "WEBP")


def decode(payload: tf.Tensor, *, max_pixels: int | None) -> tf.Tensor:
    """Return the first frame of a picture, uint8 [height, width, 3], upright, on white.

    Raises:
        tf.errors.OpError: where it is no picture, damaged, or too large.
    """
    # As a vector: a scalar arrives as bytes from a graph, and as an array eagerly.
    picture = tf.numpy_function(
        lambda payloads: read(payloads[0], max_pixels=max_pixels),
        [payload[None]],
        tf.uint8,
        stateful=False,
    )
    return tf.ensure_shape(picture, [None, None, 3])


def read(payload: bytes, *, max_pixels: int | None = None) -> np.ndarray:
    """Return the first frame of an encoded picture, uint8 [height, width, 3], upright.

    Raises:
        ValueError: where it is not BMP, GIF, PNG or WebP, or is too large.
        Exception: of many kinds, as Pillow does for damaged pictures.
    """
    try:
        opened = Image.open(io.BytesIO(payload), formats=_FORMATS)
    except PIL.UnidentifiedImageError:
        raise ValueError(
            f"not a picture: expected {header.FORMATS}, received {len(payload)} bytes"
            + (f" that begin with {payload[:16]!r}" if payload else "")
        ) from None
    except Image.DecompressionBombError:
        if max_pixels is None or max_pixels > _PILLOW_LIMIT:
            raise
        raise ValueError(TOO_LARGE.format(max_pixels)) from None
    with opened:
        width, height = opened.size
        if max_pixels is not None and width * height > max_pixels:
            raise ValueError(
                f"{TOO_LARGE.format(max_pixels)}: height and width are {height} {width}"
            )
        return _to_rgb(ImageOps.exif_transpose(opened))


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):
        # 16-bit gray: the high byte, as libpng makes 8 bits of it.
        gray = np.asarray(picture).astype(np.int32) >> 8
        return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=-1)
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"))
