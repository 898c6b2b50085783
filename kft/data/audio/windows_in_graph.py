"""The windows of a sound by TensorFlow's ops alone, resampled as soxr does it."""

import functools

import numpy as np
import tensorflow as tf

from kft.data.audio import resampling_filter
from kft.data.audio.windows import Windows

# Rates that sounds usually have.
_RATES = (
    *(8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000),
    *(44_100, 48_000, 88_200, 96_000, 192_000),
)


def rates(windows: Windows) -> tuple[int, ...]:
    """Return the rates that can be resampled in a graph, ascending."""
    return tuple(
        rate
        for rate in sorted({*_RATES, windows.sample_rate})
        if resampling_filter.is_small(rate, windows.sample_rate)
    )


def read(samples: tf.Tensor, rate: tf.Tensor, windows: Windows) -> tf.Tensor:
    """Return the windows one after the other, float32 [windows * samples].

    Args:
        samples: of a sound, float32 [n].
        rate: of it, int32 [], in hertz.
        windows: what of it is read.

    Raises:
        tf.errors.OpError: where the rate is none of `rates`, or a sample is no number.
    """
    known = rates(windows)
    is_known = tf.equal(rate, known)
    check = tf.raw_ops.Assert(
        condition=tf.reduce_any(is_known),
        data=[f"expected one of {', '.join(map(str, known))} samples per second"],
    )
    with tf.control_dependencies([] if check is None else [check]):
        found = tf.argmax(is_known, output_type=tf.int32)
    clips = tf.switch_case(
        found,
        [functools.partial(_at_rate, samples, one, windows) for one in known],
    )
    check = tf.raw_ops.Assert(
        condition=tf.reduce_all(tf.math.is_finite(clips)),
        data=["expected samples that are numbers"],
    )
    with tf.control_dependencies([] if check is None else [check]):
        return tf.reshape(clips, [windows.count * windows.samples])


def _at_rate(samples: tf.Tensor, rate: int, windows: Windows) -> tf.Tensor:
    """Return the windows of a sound of that rate, float32 [windows, samples]."""
    length = windows.length(rate)
    spare = tf.size(samples, tf.int64) - length
    numbers = tf.range(windows.count, dtype=tf.int64)
    spread = spare * numbers // max(windows.count - 1, 1)
    is_long = (spare > 0) & (windows.count > 1)
    starts = tf.where(is_long, spread, spare // 2)
    padded = tf.pad(samples, [[length, length]])
    begins = tf.unstack(starts + length, num=windows.count)
    clips = tf.stack([padded[begin : begin + length] for begin in begins])
    clips = tf.ensure_shape(clips, [windows.count, length])
    resampled = _resampled(clips, rate, windows)
    margin = windows.margin_samples
    return resampled[:, margin : margin + windows.samples]


def _resampled(clips: tf.Tensor, rate: int, windows: Windows) -> tf.Tensor:
    """Return clips [windows, n] at the rate of the windows, with their margins.

    They are computed as `resampling_filter.apply` does, so that both round to the same.
    """
    if rate == windows.sample_rate:
        return clips
    bank = resampling_filter.measure(rate, windows.sample_rate)
    length = windows.samples + 2 * windows.margin_samples
    blocks = -(-length // bank.up)
    taps = len(bank.numbers)
    before = max(0, -bank.first)
    reach = (blocks - 1) * bank.down + taps
    after = max(0, reach - before - clips.shape[1])
    padded = tf.pad(tf.cast(clips, tf.float64), [[0, 0], [before, after]])
    waves = padded[:, :, None]
    # Constants of 32 bits, which are half as large in a file.
    filters = tf.cast(np.ascontiguousarray(bank.numbers[:, None, :]), tf.float64)
    found = tf.nn.conv1d(waves, filters, stride=bank.down, padding="VALID")
    flat = tf.reshape(found[:, :blocks], [-1, blocks * bank.up])[:, :length]
    return tf.cast(flat, tf.float32)
