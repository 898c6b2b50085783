"""Encoded images to RGB, upright, with transparent parts on white.

TensorFlow's ops where they give the right pixels, Pillow for the rest: where both can
read an image, they agree to the bit. The kind is known by the content, whatever the
name says.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kft.data.image import exif, header, pillow

# The slow, exact transform: what Pillow and most other readers use.
DCT_METHOD = "INTEGER_ACCURATE"

_Make = Callable[[], tf.Tensor]


def decode(payload: tf.Tensor, *, max_pixels: int | None = None) -> tf.Tensor:
    """Return the image of an encoded payload, uint8 [height, width, 3], RGB.

    Args:
        payload: JPEG, PNG (8 or 16 bits, gray, palette, alpha), GIF (first frame),
            BMP, WebP (first frame), TIFF (first page), and AVIF and HEIC where Pillow
            reads them, tf.string [].
        max_pixels: largest number of pixels that is decoded; None for no limit.

    Raises:
        tf.errors.OpError: where the payload is no such image, or is damaged, or its
            header claims more than `max_pixels`.
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
    kinds = [head.starts(header.JPEG), head.starts(header.PNG), head.is_webp(b"VP8 ")]
    image = tf.switch_case(
        _first(kinds),
        [
            lambda: _turned_jpeg(payload, max_pixels),
            lambda: _any_png(head, payload, max_pixels),
            lambda: _webp(head, payload, max_pixels),
            lambda: _by_pillow(payload, max_pixels),
        ],
    )
    return tf.ensure_shape(image, [None, None, 3])


def decode_in_graph(payload: tf.Tensor, *, max_pixels: int | None = None) -> tf.Tensor:
    """Do what `decode` does with TensorFlow's ops alone, as an export must.

    The limits: what is transparent shows in GIFs and in PNGs of less than 8 bits, a
    partial first frame of a GIF is on black, BMPs have 24 bits or gray, WebPs are not
    animated, EXIF data of PNG and WebP is not heeded, and there is no TIFF, AVIF or
    HEIC.
    """
    head = header.parse(payload)
    kinds = {
        header.JPEG: head.starts(header.JPEG),
        header.PNG: head.starts(header.PNG),
        b"WEBP": head.is_webp(),
        header.GIF: head.starts(header.GIF),
        header.BMP: head.starts(header.BMP),
    }
    other = tf.io.decode_image
    image = tf.switch_case(
        _first(list(kinds.values())),
        [
            lambda: _turned_jpeg(payload, max_pixels),
            lambda: _png(head, payload, max_pixels),
            lambda: _webp(head, payload, max_pixels),
            lambda: other(
                check_size(payload, head.gif_size(), max_pixels),
                channels=3,
                expand_animations=False,
            ),
            lambda: other(check_size(payload, head.bmp_size(), max_pixels), channels=3),
            # Anything else is an error, which this op explains.
            lambda: other(payload, channels=3, expand_animations=False),
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
    is_small = tf.raw_ops.Assert(
        condition=pixels <= max_pixels,
        data=[f"{pillow.TOO_LARGE.format(max_pixels)}: height and width are", size],
    )
    # Eagerly the check has been made by now, and there is no operation.
    with tf.control_dependencies([] if is_small is None else [is_small]):
        return tf.identity(payload)


def _first(kinds: list[tf.Tensor]) -> tf.Tensor:
    """Return the position of the first true value, the number of values if none is."""
    return tf.argmax(tf.stack([*kinds, True]), output_type=tf.int32)


def _jpeg(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    if max_pixels is not None:
        size = tf.image.extract_jpeg_shape(payload)[:2]
        payload = check_size(payload, size, max_pixels)
    return tf.io.decode_jpeg(payload, channels=3, dct_method=DCT_METHOD)


def _turned_jpeg(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    return exif.upright(_jpeg(payload, max_pixels), exif.orientation(payload))


def _any_png(
    head: header.Header, payload: tf.Tensor, max_pixels: int | None
) -> tf.Tensor:
    has_exif = tf.strings.regex_full_match(payload, r"\C*eXIf\C*")
    return tf.cond(
        tf.logical_or(has_exif, _is_coarse(head)),
        lambda: _by_pillow(payload, max_pixels),
        lambda: _png(head, payload, max_pixels),
    )


def _png(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    payload = check_size(payload, head.png_size(), max_pixels)
    return tf.cond(
        _is_coarse(head),
        lambda: tf.io.decode_png(payload, channels=3),
        lambda: _on_white(tf.io.decode_png(payload, channels=4)),
    )


def _is_coarse(head: header.Header) -> tf.Tensor:
    """Return whether a PNG has 1, 2 or 4 bits.

    With channels=4 TensorFlow 2.21 reads these wrongly, with channels=3 it leaves out
    what may be transparent.
    """
    return head.byte(24) < 8


def _webp(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    payload = check_size(payload, head.webp_size(), max_pixels)
    has_alpha = tf.logical_or(
        tf.logical_and(head.is_webp(b"VP8X"), head.byte(20) & 0x10 != 0),
        tf.logical_and(head.is_webp(b"VP8L"), head.byte(24) & 0x10 != 0),
    )
    return tf.cond(
        has_alpha,
        lambda: _on_white(tf.io.decode_webp(payload, channels=4)[0]),
        lambda: tf.io.decode_webp(payload, channels=3)[0],
    )


def _by_pillow(payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    """Read what TensorFlow's ops read wrongly or not at all."""

    def read(payloads: np.ndarray) -> np.ndarray:
        return pillow.read(payloads[0], max_pixels=max_pixels)

    # As a vector: a scalar arrives as bytes from a graph, and as an array eagerly.
    image = tf.numpy_function(read, [payload[None]], tf.uint8, stateful=False)
    return tf.ensure_shape(image, [None, None, 3])


def _on_white(image: tf.Tensor) -> tf.Tensor:
    """Return uint8 [height, width, 3] from uint8 RGBA."""

    def blend() -> tf.Tensor:
        channels = tf.cast(image, tf.int32)
        color, alpha = channels[..., :3], channels[..., 3:]
        return tf.cast((color * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)

    opaque = tf.reduce_all(image[..., 3] == 255)
    return tf.cond(opaque, lambda: image[..., :3], blend)
