"""Format and size out of the first bytes of an encoded image, by graph ops.

The content decides, never the ending of the file's name.
"""

import dataclasses

import tensorflow as tf

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"
GIF = b"GIF8"
BMP = b"BM"
# Flags of an extended WebP (RFC 9649, section 2.7).
WEBP_ANIMATION, WEBP_XMP, WEBP_EXIF, WEBP_ALPHA = 0x02, 0x04, 0x08, 0x10

_BYTES = 64


@dataclasses.dataclass(frozen=True)
class Header:
    """The first bytes of an image.

    Attributes:
        text: tf.string [], 64 bytes; zeros where the image ends before.
    """

    text: tf.Tensor

    def starts(self, magic: bytes, position: int = 0) -> tf.Tensor:
        """Return whether these bytes stand at this position, bool []."""
        return tf.strings.substr(self.text, position, len(magic)) == magic

    def byte(self, position: int) -> tf.Tensor:
        """Return a byte as int32 []."""
        return self._numbers(position, 1, tf.uint8)[0]

    def short(self, position: int) -> tf.Tensor:
        """Return two bytes, the least first, as int32 []."""
        return self._numbers(position, 2, tf.uint16)[0]

    def integer(self, position: int) -> tf.Tensor:
        """Return four bytes, the least first, as int32 []."""
        return self._numbers(position, 4, tf.int32)[0]

    def png_size(self) -> tf.Tensor:
        """Return height and width of a PNG, int32 [2]."""
        return self._numbers(16, 8, tf.int32, little_endian=False)[::-1]

    def gif_size(self) -> tf.Tensor:
        """Return height and width of a GIF's screen, int32 [2]; frames differ."""
        return self._numbers(6, 4, tf.uint16)[::-1]

    def bmp_size(self) -> tf.Tensor:
        """Return height and width of a BMP; rows that run downwards count as well."""
        return tf.abs(self._numbers(18, 8, tf.int32)[::-1])

    def is_webp(self, chunk: bytes = b"") -> tf.Tensor:
        """Return whether it is a WebP, and one that begins with this chunk."""
        return self.starts(b"WEBP" + chunk, 8)

    def has_webp_flag(self, flags: int) -> tf.Tensor:
        """Return whether it is an extended WebP with any of these flags."""
        return self.is_webp(b"VP8X") & (self.byte(20) & flags != 0)

    def webp_size(self) -> tf.Tensor:
        """Return height and width of a WebP, int32 [2] (RFC 9649, sections 2.5-2.7)."""
        lossy = self._numbers(26, 4, tf.uint16)[::-1] & 0x3FFF
        packed = self._numbers(21, 4, tf.int32)[0]
        upper = tf.bitwise.right_shift(packed, 14)
        lossless = (tf.stack([upper, packed]) & 0x3FFF) + 1
        digits = tf.reshape(self._numbers(24, 6, tf.uint8), [2, 3])
        extended = tf.reduce_sum(digits * [1, 256, 65_536], axis=-1)[::-1] + 1
        plain = tf.where(self.is_webp(b"VP8L"), lossless, lossy)
        return tf.where(self.is_webp(b"VP8X"), extended, plain)

    def _numbers(
        self, position: int, count: int, kind: tf.DType, *, little_endian: bool = True
    ) -> tf.Tensor:
        text = tf.strings.substr(self.text, position, count)
        numbers = tf.io.decode_raw(text, kind, little_endian=little_endian)
        return tf.ensure_shape(tf.cast(numbers, tf.int32), [count // kind.size])


def parse(payload: tf.Tensor) -> Header:
    """Return the header of an encoded image, tf.string []."""
    start = tf.strings.substr(payload, 0, _BYTES)
    padded = tf.strings.join([start, b"\0" * _BYTES])
    return Header(tf.strings.substr(padded, 0, _BYTES))
