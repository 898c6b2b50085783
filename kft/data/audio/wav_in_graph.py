"""WAV files decoded by TensorFlow's ops alone, as an export must.

`tf.audio.decode_wav` reads 16 bits only; here it is whole numbers of 8, 16, 24 and 32
bits, and floating point. A file that ends early is read as far as it goes.
"""

from collections.abc import Callable

import tensorflow as tf

from kft.data.audio import audio_decode

# Format tags of a WAV: whole numbers, floating point, and "see the extension".
_WHOLE, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_HEADER = 12
_NONE = -1


def decode(payload: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the samples of a WAV, float32 [samples] in [-1, 1], and its rate, int32.

    Channels become one by their mean.

    Args:
        payload: tf.string [].

    Raises:
        tf.errors.OpError: where it is no such file, or has no samples.
    """
    is_wave = tf.strings.regex_full_match(payload, r"RIFF\C{4}WAVE\C*")
    with _required(is_wave, "expected a WAV file"):
        length = tf.strings.length(payload)
    format_at, data_at, size = _chunks(payload, length)
    with _required((format_at > 0) & (data_at > 0), "expected a format and samples"):
        channels = _number(payload, format_at + 2, 2)
    tag = _number(payload, format_at, 2)
    tag = tf.cond(
        tf.equal(tag, _EXTENSIBLE),
        lambda: _number(payload, format_at + 24, 2),
        lambda: tag,
    )
    rate, bits = _number(payload, format_at + 4, 4), _number(payload, format_at + 14, 2)
    frame = tf.maximum(channels * bits // 8, 1)
    usable = tf.minimum(size, length - data_at) // frame * frame
    samples = _samples(tf.strings.substr(payload, data_at, usable), tag, bits)
    stored = tf.reshape(samples, [-1, channels])
    samples = tf.reduce_mean(stored, axis=1)
    with _required(tf.size(samples) > 0, "expected samples, received none"):
        largest = tf.reduce_max(tf.abs(stored))
    heard = tf.reduce_max(tf.abs(samples)) >= audio_decode.CANCELLED * largest
    with _required(heard, "expected channels that do not cancel each other"):
        return tf.identity(samples), rate


def _chunks(
    payload: tf.Tensor, length: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return where the chunks of format and samples begin, and the bytes of samples."""

    def more(
        position: tf.Tensor, format_at: tf.Tensor, data_at: tf.Tensor, size: tf.Tensor
    ) -> tf.Tensor:
        del format_at, size
        return (position + 8 <= length) & (position > 0) & (data_at < 0)

    def step(
        position: tf.Tensor, format_at: tf.Tensor, data_at: tf.Tensor, size: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        name = tf.strings.substr(payload, position, 4)
        of_chunk = _number(payload, position + 4, 4)
        # Larger than 2 GB is a number below 0: then it is all that there is.
        of_chunk = tf.where(of_chunk < 0, length - position - 8, of_chunk)
        format_at = tf.where(name == "fmt ", position + 8, format_at)
        is_data = name == "data"
        data_at = tf.where(is_data, position + 8, data_at)
        size = tf.where(is_data, of_chunk, size)
        return position + 8 + of_chunk + of_chunk % 2, format_at, data_at, size

    none = tf.constant(_NONE)
    _, format_at, data_at, size = tf.while_loop(
        more, step, [tf.constant(_HEADER), none, none, none]
    )
    return format_at, data_at, size


def _number(payload: tf.Tensor, position: tf.Tensor, size: int) -> tf.Tensor:
    """Return a number of 2 or 4 bytes, the lowest first, int32 []."""
    kind = tf.uint16 if size == 2 else tf.int32
    found = tf.io.decode_raw(tf.strings.substr(payload, position, size), kind)
    return tf.cast(tf.reshape(found, [-1])[0], tf.int32)


def _samples(data: tf.Tensor, tag: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Return the samples of all channels, float32 [n]."""
    kinds: list[tuple[int, int, Callable[[], tf.Tensor]]] = [
        (_WHOLE, 8, lambda: (_raw(data, tf.uint8) - 128.0) / 128.0),
        (_WHOLE, 16, lambda: _raw(data, tf.int16) / 2.0**15),
        (_WHOLE, 24, lambda: _of_three_bytes(data)),
        (_WHOLE, 32, lambda: _raw(data, tf.int32) / 2.0**31),
        (_FLOAT, 32, lambda: _raw(data, tf.float32)),
        (_FLOAT, 64, lambda: _raw(data, tf.float64)),
    ]
    is_kind = [tf.equal(tag, one) & tf.equal(bits, width) for one, width, _ in kinds]
    with _required(
        tf.reduce_any(is_kind),
        "expected samples of 8, 16, 24 or 32 bits, or floating point",
    ):
        found = tf.argmax(tf.stack(is_kind), output_type=tf.int32)
    return tf.switch_case(found, [read for _, _, read in kinds])


def _raw(data: tf.Tensor, kind: tf.DType) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(data, kind), tf.float32)


def _of_three_bytes(data: tf.Tensor) -> tf.Tensor:
    parts = tf.cast(tf.reshape(tf.io.decode_raw(data, tf.uint8), [-1, 3]), tf.int32)
    # As the three highest bytes of four, so that the sign is where it belongs.
    shifted = tf.bitwise.left_shift(parts, tf.constant([8, 16, 24]))
    return tf.cast(tf.reduce_sum(shifted, axis=1), tf.float32) / 2.0**31


def _required(condition: tf.Tensor, message: str) -> tf.control_dependencies:
    """Return a context whose ops run only where the condition holds."""
    check = tf.raw_ops.Assert(condition=condition, data=[message])
    # Eagerly the check has been made by now, and there is no operation.
    return tf.control_dependencies([] if check is None else [check])
