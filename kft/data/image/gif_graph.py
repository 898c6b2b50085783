"""The first frame of a GIF, by graph ops.

TensorFlow's op (2.21) unpacks every frame before it gives the first, each as large as
it says, and does not know what is transparent. So it is given a GIF of one frame. The
notation is that of the GIF89a specification, sections 17 to 27.
"""

import tensorflow as tf

from kft.data.image.require import require

_HEADER_BYTES = 13
_DESCRIPTOR_BYTES = 10
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, b"\x3b"
_GRAPHIC_CONTROL = 0xF9
_HAS_TABLE = 0x80
_WHITE = b"\xff\xff\xff"
# Data comes in blocks of up to 255 bytes. Encoders fill all but the last of them
# alike, so that many are passed at once.
_BLOCKS_AT_ONCE = 256
_MOST_STEPS = 4_000
# More than is read behind any place: a run of blocks, or a descriptor and its table.
_PADDING = 1_024

_State = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def first_frame(payload: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a GIF of the first frame alone, and its size.

    What is transparent has become white, which it is for Pillow on white too.

    Args:
        payload: an encoded GIF, tf.string [].

    Returns:
        tf.string [] and int32 [2], height and width.

    Raises:
        tf.errors.InvalidArgumentError: where the frame is not the whole image, is cut,
            or stands behind very many blocks.
    """
    size = tf.strings.length(payload)
    padded = tf.strings.join([payload, b"\0" * _PADDING])
    content = tf.io.decode_raw(padded, tf.uint8)
    colors_end = _HEADER_BYTES + _table_bytes(_byte(content, 10))
    start, transparent, steps = _pass_extensions(content, size, colors_end)
    left, top, width, height = tf.unstack(_shorts(content, start + 1, 4), num=4)
    screen_width, screen_height = tf.unstack(_shorts(content, 6, 2), num=2)
    own_start = start + _DESCRIPTOR_BYTES
    own_end = own_start + _table_bytes(_byte(content, start + 9))
    # Behind the colours there is a byte for the size of codes, and then the blocks.
    end, steps = _pass_blocks(content, size, own_end + 1, steps)
    is_whole = (left == 0) & (top == 0)
    is_whole &= (width >= screen_width) & (height >= screen_height)
    is_found = (_byte(content, start) == _IMAGE) & (end <= size)
    padded = require(padded, steps < _MOST_STEPS, "a GIF of very many small blocks")
    padded = require(padded, is_found, "a damaged GIF: it has no whole image")
    padded = require(padded, is_whole, "a GIF whose first frame is not the whole image")
    colors = _whiten(
        tf.strings.substr(padded, _HEADER_BYTES, colors_end - _HEADER_BYTES),
        transparent,
    )
    own = tf.strings.substr(padded, own_start, own_end - own_start)
    frame = tf.strings.join(
        [
            tf.strings.substr(padded, 0, 6),
            # The screen is as large as the frame: both are width and height.
            tf.strings.substr(padded, start + 5, 4),
            tf.strings.substr(padded, 10, 3),
            colors,
            tf.strings.substr(padded, start, _DESCRIPTOR_BYTES),
            _whiten(own, transparent),
            tf.strings.substr(padded, own_end, end - own_end),
            _TRAILER,
        ]
    )
    return frame, tf.stack([height, width])


def _pass_extensions(
    content: tf.Tensor, size: tf.Tensor, position: tf.Tensor
) -> _State:
    """Return where the extensions at a position end.

    Returns:
        The position, the index of the transparent colour, -1 for none, and the steps
        that it took, int32 [] each.
    """

    def goes_on(
        position: tf.Tensor, transparent: tf.Tensor, steps: tf.Tensor
    ) -> tf.Tensor:
        del transparent
        return (_byte(content, position) == _EXTENSION) & (steps < _MOST_STEPS)

    def step(position: tf.Tensor, transparent: tf.Tensor, steps: tf.Tensor) -> _State:
        says_so = (
            (_byte(content, position + 1) == _GRAPHIC_CONTROL)
            & (_byte(content, position + 2) >= 4)
            & (_byte(content, position + 3) & 1 == 1)
        )
        transparent = tf.where(says_so, _byte(content, position + 6), transparent)
        position, steps = _pass_blocks(content, size, position + 2, steps)
        return tf.minimum(position, size), transparent, steps

    found: _State = tf.while_loop(
        goes_on, step, (position, tf.constant(-1), tf.constant(0))
    )
    return found


def _pass_blocks(
    content: tf.Tensor, size: tf.Tensor, position: tf.Tensor, steps: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the blocks at a position end, and the steps that it took.

    Where they are cut the position is behind the end of the content.
    """

    def goes_on(position: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        # Behind the end there are zeros, and a block of no bytes is the last one.
        return (_byte(content, position) > 0) & (steps < _MOST_STEPS)

    def step(position: tf.Tensor, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        length = 1 + _byte(content, position)
        run = content[position : position + _BLOCKS_AT_ONCE * length : length]
        alike = tf.cast(run, tf.int32) + 1 == length
        count = tf.argmin(tf.concat([alike, [False]], axis=0), output_type=tf.int32)
        return tf.minimum(position + count * length, size), steps + 1

    position, steps = tf.while_loop(goes_on, step, (position, steps))
    return position + 1, steps


def _byte(content: tf.Tensor, position: tf.Tensor | int) -> tf.Tensor:
    return tf.cast(content[position], tf.int32)


def _shorts(content: tf.Tensor, position: tf.Tensor | int, count: int) -> tf.Tensor:
    """Return numbers of two bytes each, int32 [count]."""
    digits = tf.cast(content[position : position + 2 * count], tf.int32)
    return tf.reduce_sum(tf.reshape(digits, [count, 2]) * [1, 256], axis=-1)


def _table_bytes(flags: tf.Tensor) -> tf.Tensor:
    """Return the size of a table of colours, 0 where the flags say that none is."""
    colors = tf.bitwise.left_shift(2, flags & 7)
    return tf.where(flags & _HAS_TABLE != 0, 3 * colors, 0)


def _whiten(colors: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Return a table of colours, tf.string [], in which one is white, if it has it."""
    start = 3 * index
    before = tf.strings.substr(colors, 0, tf.maximum(start, 0))
    behind = tf.strings.substr(
        colors, tf.minimum(start + 3, tf.strings.length(colors)), -1
    )
    has_it = (index >= 0) & (start < tf.strings.length(colors))
    return tf.where(has_it, tf.strings.join([before, _WHITE, behind]), colors)
