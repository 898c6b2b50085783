"""Encoded images to RGB, upright, with transparent parts on white.

TensorFlow's ops where they give the right pixels, Pillow for the rest: where both can
read an image, they agree to the bit. The kind is known by the content, whatever the
name says.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kft.data.image import exif, header, jpeg_scans_graph, pillow
from kft.data.image.require import require

# The slow, exact transform: what Pillow and most other readers use.
DCT_METHOD = "INTEGER_ACCURATE"

# What is laid on white at a time.
_PIXELS_AT_ONCE = 1 << 20

_Make = Callable[[], tf.Tensor]


def decode(payload: tf.Tensor, *, max_pixels: int | None = None) -> tf.Tensor:
    """Return the image of an encoded payload, uint8 [height, width, 3], RGB.

    Args:
        payload: JPEG, PNG (8 or 16 bits, gray, palette, alpha), GIF (first frame),
            BMP, WebP (first frame), TIFF (first page), and AVIF and HEIC where Pillow
            reads them, tf.string [].
        max_pixels: largest number of pixels that is decoded; None for no limit.

    Raises:
        tf.errors.OpError: where the payload is no such image, or is damaged, has very
            many scans, or its header claims more than `max_pixels`.

    Decoding takes at most some 16 bytes of memory for each pixel.
    """
    return if_usual(
        payload,
        lambda: _jpeg(payload, max_pixels),
        lambda: decode_unusual(payload, max_pixels=max_pixels),
    )


def if_usual(payload: tf.Tensor, usual: _Make, unusual: _Make) -> tf.Tensor:
    """Return what `usual` makes of a JPEG without EXIF data, else what `unusual` does.

    Args:
        payload: the encoded image, tf.string [].
        usual: decodes a JPEG that is stored upright.
        unusual: decodes any image.
    """
    is_jpeg = tf.strings.substr(payload, 0, len(header.JPEG)) == header.JPEG
    is_usual = tf.logical_and(is_jpeg, tf.logical_not(exif.has_exif(payload)))
    if not tf.executing_eagerly():
        # As a function of its own, so that TensorFlow (2.21) has one op to pass over
        # where it is not called, and not each of the hundreds in it.
        unusual = tf.function(unusual, experimental_attributes={"_noinline": True})
    return tf.cond(is_usual, usual, unusual)


def decode_unusual(payload: tf.Tensor, *, max_pixels: int | None = None) -> tf.Tensor:
    """Do what `decode` does, without a short way for the usual kind."""
    head = header.parse(payload)
    kinds = [head.starts(header.JPEG), head.starts(header.PNG), _is_plain_webp(head)]
    image = tf.switch_case(
        first(kinds),
        [
            lambda: turned_jpeg(payload, max_pixels),
            lambda: _any_png(head, payload, max_pixels),
            lambda: webp(head, payload, max_pixels),
            lambda: _by_pillow(payload, max_pixels),
        ],
    )
    return tf.ensure_shape(image, [None, None, 3])


def check_size(
    payload: tf.Tensor, size: tf.Tensor, max_pixels: int | None
) -> tf.Tensor:
    """Return the payload once its size, int32 [2], has been found small enough."""
    if max_pixels is None:
        return payload
    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    problem = f"{pillow.TOO_LARGE.format(max_pixels)}: height and width are"
    return require(payload, pixels <= max_pixels, problem, size)


def first(kinds: list[tf.Tensor]) -> tf.Tensor:
    """Return the position of the first true value, the number of values if none is."""
    return tf.argmax(tf.stack([*kinds, True]), output_type=tf.int32)


def _jpeg(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    if max_pixels is not None:
        size = tf.image.extract_jpeg_shape(payload)[:2]
        payload = check_size(payload, size, max_pixels)
    payload = jpeg_scans_graph.check(payload)
    return tf.io.decode_jpeg(payload, channels=3, dct_method=DCT_METHOD)


def turned_jpeg(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    """Return a JPEG as `decode` does."""
    return exif.upright(_jpeg(payload, max_pixels), exif.orientation(payload))


def _any_png(
    head: header.Header, payload: tf.Tensor, max_pixels: int | None
) -> tf.Tensor:
    return tf.cond(
        exif.has_png_exif(payload) | is_coarse(head),
        lambda: _by_pillow(payload, max_pixels),
        lambda: png(head, payload, max_pixels),
    )


def png(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    """Return a PNG as it is stored, by TensorFlow's ops."""
    payload = check_size(payload, head.png_size(), max_pixels)
    return tf.cond(
        is_coarse(head),
        lambda: tf.io.decode_png(payload, channels=3),
        lambda: _on_white(tf.io.decode_png(payload, channels=4)),
    )


def is_coarse(head: header.Header) -> tf.Tensor:
    """Return whether a PNG has 1, 2 or 4 bits.

    With channels=4 TensorFlow 2.21 reads these wrongly, with channels=3 it leaves out
    what may be transparent.
    """
    return head.byte(24) < 8


def webp(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    """Return a WebP that is not animated as it is stored, by TensorFlow's ops."""
    payload = check_size(payload, head.webp_size(), max_pixels)
    has_alpha = head.has_webp_flag(header.WEBP_ALPHA) | (
        head.is_webp(b"VP8L") & (head.byte(24) & 0x10 != 0)
    )
    return tf.cond(
        has_alpha,
        lambda: _on_white(tf.io.decode_webp(payload, channels=4)[0]),
        lambda: tf.io.decode_webp(payload, channels=3)[0],
    )


def _is_plain_webp(head: header.Header) -> tf.Tensor:
    """Return whether a WebP is not animated, and nothing in it can turn it."""
    others = header.WEBP_ANIMATION | header.WEBP_EXIF | header.WEBP_XMP
    return head.is_webp() & ~head.has_webp_flag(others)


def _by_pillow(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    """Read what TensorFlow's ops read wrongly or not at all."""

    def read(payloads: np.ndarray) -> np.ndarray:
        return pillow.read(payloads[0], max_pixels=max_pixels)

    # As a vector: a scalar arrives as bytes from a graph, and as an array eagerly.
    image = tf.numpy_function(read, [payload[None]], tf.uint8, stateful=False)
    return tf.ensure_shape(image, [None, None, 3])


def _on_white(image: tf.Tensor) -> tf.Tensor:
    """Return uint8 [height, width, 3] from uint8 RGBA."""
    opaque = tf.reduce_all(image[..., 3] == 255)
    return tf.cond(opaque, lambda: image[..., :3], lambda: _blend(image))


def _blend(image: tf.Tensor) -> tf.Tensor:
    """Lay an image on white, some pixels at a time: as numbers they take much room."""
    pixels = tf.reshape(image, [-1, 4])
    count = tf.shape(pixels)[0]
    parts = (count + _PIXELS_AT_ONCE - 1) // _PIXELS_AT_ONCE

    def blend(part: tf.Tensor, blended: tf.TensorArray) -> tuple[tf.Tensor, ...]:
        begin = part * _PIXELS_AT_ONCE
        channels = tf.cast(pixels[begin : begin + _PIXELS_AT_ONCE], tf.int32)
        color, alpha = channels[:, :3], channels[:, 3:]
        on_white = (color * alpha + 255 * (255 - alpha) + 127) // 255
        return part + 1, blended.write(part, tf.cast(on_white, tf.uint8))

    blended = tf.TensorArray(
        tf.uint8, parts, element_shape=[None, 3], infer_shape=False
    )
    _, blended = tf.while_loop(
        lambda part, _: part < parts, blend, (0, blended), parallel_iterations=1
    )
    return tf.reshape(blended.concat(), tf.concat([tf.shape(image)[:2], [3]], axis=0))
