"""BMPs with 256 colours, 24 or 32 bits, by graph ops.

TensorFlow's op (2.21) takes the indices of colours for gray, and what is compressed for
pixels.
"""

import tensorflow as tf

from kft.data.image.header import Header
from kft.data.image.require import require

# Of a BITMAPINFOHEADER and its later versions; older ones have other fields.
_HEADER_SIZES = (40, 52, 56, 64, 108, 124)
_FILE_HEADER_BYTES = 14
_INDEXED_BITS = 8
_TABLE_BYTES = 4 * 256
_NOT_READ = "a BMP that is compressed, or not of 8, 24 or 32 bits"
_UNKNOWN_COLOR = "a BMP without the colours that it names"


def decode(payload: tf.Tensor, head: Header) -> tf.Tensor:
    """Return an encoded BMP as uint8 [height, width, 3], RGB.

    Args:
        payload: tf.string [].
        head: its header.

    Raises:
        tf.errors.InvalidArgumentError: where it is of another kind, or damaged.
    """
    bits, compression = head.short(28), head.integer(30)
    is_read = tf.reduce_any(head.integer(14) == _HEADER_SIZES) & (compression == 0)
    is_read &= tf.reduce_any(bits == [_INDEXED_BITS, 24, 32])
    payload = require(payload, is_read, _NOT_READ)
    return tf.cond(
        bits == _INDEXED_BITS,
        lambda: _indexed(payload, head),
        lambda: tf.io.decode_bmp(payload, channels=3),
    )


def _indexed(payload: tf.Tensor, head: Header) -> tf.Tensor:
    """Return the colours that the bytes of a BMP are the indices of."""
    indices = tf.cast(tf.io.decode_bmp(payload, channels=0)[..., 0], tf.int32)
    count = head.integer(46)
    count = tf.where(count == 0, 256, count)
    start = _FILE_HEADER_BYTES + head.integer(14)
    # Zeros at the end, so that nothing is out of range: the error would show bytes.
    padded = tf.strings.join(
        [payload, b"\0" * (_FILE_HEADER_BYTES + _HEADER_SIZES[-1] + _TABLE_BYTES)]
    )
    table = tf.io.decode_raw(tf.strings.substr(padded, start, _TABLE_BYTES), tf.uint8)
    colors = tf.reshape(table, [256, 4])[:, 2::-1]
    is_known = (count > 2) & (count <= 256) & (tf.reduce_max(indices) < count)
    is_known &= start + 4 * count <= tf.strings.length(payload)
    return tf.gather(colors, require(indices, is_known, _UNKNOWN_COLOR))
