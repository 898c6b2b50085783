"""The limit of `jpeg_scans` on the scans of a JPEG, by graph ops."""

import tensorflow as tf

from kft.data.image import jpeg_scans
from kft.data.image.require import require

# Segments that are looked at; images have some 10, and 300 with the largest profiles.
_MOST_SEGMENTS = 2_000
_RESTARTS = (0xD0, 0xD7)


def check(payload: tf.Tensor) -> tf.Tensor:
    """Return an encoded JPEG, tf.string [], once its scans have been found few enough.

    Raises:
        tf.errors.InvalidArgumentError: where there are more than `jpeg_scans.MOST`.
    """
    starts = tf.strings.split(
        payload, jpeg_scans.START, maxsplit=jpeg_scans.MOST_UNREAD + 1
    )
    is_suspect = tf.size(starts) - 1 > jpeg_scans.MOST_UNREAD
    count = _count
    if not tf.executing_eagerly():
        # As in `kft.data.image.decode.if_usual`: one op to pass over.
        count = tf.function(_count, experimental_attributes={"_noinline": True})
    is_fine = tf.cond(
        is_suspect, lambda: count(payload) <= jpeg_scans.MOST, lambda: True
    )
    return require(payload, is_fine, jpeg_scans.TOO_MANY)


def _count(payload: tf.Tensor) -> tf.Tensor:
    """Return the number of scans, or of segments where these are too many, int32 []."""
    # Zeros at the end, so that a length can be read at any marker.
    content = tf.io.decode_raw(tf.strings.join([payload, b"\0" * 4]), tf.uint8)
    first, second = content[:-1], content[1:]
    is_restart = (second >= _RESTARTS[0]) & (second <= _RESTARTS[1])
    is_marker = (first == 255) & (second > 1) & (second < 255) & ~is_restart
    markers = tf.cast(tf.where(is_marker)[:, 0], tf.int32)
    # What stands for a marker behind the last one.
    markers = tf.concat([markers, [tf.size(content) - 4]], axis=0)

    def step(
        position: tf.Tensor, scans: tf.Tensor, seen: tf.Tensor, goes_on: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        del goes_on
        rank = tf.searchsorted(markers, position[None])[0]
        rank = tf.minimum(rank, tf.size(markers) - 1)
        marker = markers[rank]
        kind, high, low = tf.unstack(
            tf.cast(content[marker + 1 : marker + 4], tf.int32), num=3
        )
        is_end = (kind == jpeg_scans.END) | (rank == tf.size(markers) - 1)
        scans += tf.cast(~is_end & (kind == jpeg_scans.START[1]), tf.int32)
        position = marker + 2 + 256 * high + low
        return position, scans, seen + 1, ~is_end & (scans <= jpeg_scans.MOST)

    _, scans, seen, _ = tf.while_loop(
        lambda position, scans, seen, goes_on: goes_on & (seen < _MOST_SEGMENTS),
        step,
        (tf.constant(2), tf.constant(0), tf.constant(0), tf.constant(True)),
    )
    return tf.where(seen < _MOST_SEGMENTS, scans, seen)
