"""Encoded images to RGB by graph ops alone, as an export must.

An image has the pixels that `decode` gives it, or is refused. That is of whole images:
of damaged GIFs and PNGs TensorFlow's ops (2.21) read some that Pillow does not.
"""

import tensorflow as tf

from kft.data.image import bmp_graph, decode, exif, gif_graph, header
from kft.data.image.require import require

_UNKNOWN = "not a whole JPEG, PNG, WebP, GIF or BMP"
_ANIMATED = "an animated WebP"
_COARSE_HOLE = "a PNG of less than 8 bits in which something is transparent"


def decode_in_graph(payload: tf.Tensor, *, max_pixels: int | None = None) -> tf.Tensor:
    """Do what `decode.decode` does with TensorFlow's ops alone, or refuse to.

    Refused are formats other than JPEG, PNG, WebP, GIF and BMP; animated WebPs; GIFs
    whose first frame is not the whole image; BMPs that are compressed or have other
    than 8, 24 or 32 bits; PNGs of less than 8 bits with transparent parts; PNGs and
    WebPs that XMP data turns, or whose EXIF data is damaged.

    Args:
        payload: the encoded image, tf.string [].
        max_pixels: largest number of pixels that is decoded; None for no limit.

    Raises:
        tf.errors.OpError: for what is refused, damaged, or larger than `max_pixels`.
    """
    head = header.parse(payload)
    kinds = {
        header.JPEG: head.starts(header.JPEG),
        header.PNG: head.starts(header.PNG),
        b"WEBP": head.is_webp(),
        header.GIF: head.starts(header.GIF),
        header.BMP: head.starts(header.BMP),
    }
    image = tf.switch_case(
        decode.first(list(kinds.values())),
        [
            lambda: decode.turned_jpeg(payload, max_pixels),
            lambda: _png(head, payload, max_pixels),
            lambda: _webp(head, payload, max_pixels),
            lambda: _gif(head, payload, max_pixels),
            lambda: bmp_graph.decode(
                decode.check_size(payload, head.bmp_size(), max_pixels), head
            ),
            lambda: _nothing(payload),
        ],
    )
    return tf.ensure_shape(image, [None, None, 3])


def _png(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    # Colours that are transparent stand before the pixels, behind a palette at most.
    start = tf.strings.substr(payload, 0, 65_536)
    has_hole = tf.strings.regex_full_match(start, r"\C*tRNS\C*")
    is_coarse = decode.is_coarse(head)
    payload = require(payload, ~(is_coarse & has_hole), _COARSE_HOLE)
    turn = tf.cond(
        is_coarse | exif.has_png_exif(payload),
        lambda: exif.png_orientation(payload),
        lambda: tf.constant(1),
    )
    return exif.upright(decode.png(head, payload, max_pixels), turn)


def _webp(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    is_animated = head.has_webp_flag(header.WEBP_ANIMATION)
    payload = require(payload, ~is_animated, _ANIMATED)
    turn = tf.cond(
        head.has_webp_flag(header.WEBP_EXIF | header.WEBP_XMP),
        lambda: exif.webp_orientation(
            payload, has_exif=head.has_webp_flag(header.WEBP_EXIF)
        ),
        lambda: tf.constant(1),
    )
    return exif.upright(decode.webp(head, payload, max_pixels), turn)


def _gif(head: header.Header, payload: tf.Tensor, max_pixels: int | None) -> tf.Tensor:
    payload = decode.check_size(payload, head.gif_size(), max_pixels)
    frame, size = gif_graph.first_frame(payload)
    frame = decode.check_size(frame, size, max_pixels)
    return tf.io.decode_image(frame, channels=3, expand_animations=False)


def _nothing(payload: tf.Tensor) -> tf.Tensor:
    nothing = tf.zeros([1, 1, 3], tf.uint8)
    return require(nothing, tf.strings.length(payload) < 0, _UNKNOWN)
