"""Whole sounds as rows by TensorFlow's ops alone, resampled as soxr does it."""

import functools

import numpy as np
import tensorflow as tf

from kft.data.audio import resampling_filter, wav_in_graph, windows_in_graph
from kft.data.audio.utterances import Utterances
from kft.data.audio.windows import Windows


def rates(utterances: Utterances) -> tuple[int, ...]:
    """Return the rates that can be resampled in a graph, ascending."""
    windows = Windows(utterances.sample_rate, utterances.seconds)
    return windows_in_graph.rates(windows)


def read(payload: tf.Tensor, utterances: Utterances) -> tf.Tensor:
    """Return the rows of a WAV file, float32 [rows, samples_per_row].

    Args:
        payload: tf.string [].
        utterances: how a sound becomes rows.

    Raises:
        tf.errors.OpError: where it is no such file, is too long, has a rate that is
            none of `rates`, or a sample that is no number.
    """
    samples, rate = wav_in_graph.decode(payload)
    known = rates(utterances)
    is_known = tf.equal(rate, known)
    most = utterances.seconds * tf.cast(rate, tf.float32)
    checks = (
        (
            tf.reduce_any(is_known),
            f"expected one of {', '.join(map(str, known))} samples per second",
        ),
        (
            tf.cast(tf.size(samples), tf.float32) <= most,
            f"expected a sound of at most {utterances.seconds:g} seconds",
        ),
        (
            tf.reduce_all(tf.math.is_finite(samples)),
            "expected samples that are numbers",
        ),
    )
    made = [
        tf.raw_ops.Assert(condition=condition, data=[message])
        for condition, message in checks
    ]
    # Eagerly the checks have been made by now, and there are no operations.
    with tf.control_dependencies([one for one in made if one is not None]):
        found = tf.argmax(is_known, output_type=tf.int32)
    resampled = tf.switch_case(
        found,
        [functools.partial(_at_rate, samples, one, utterances) for one in known],
    )
    width = utterances.samples_per_row
    missing = width - tf.size(resampled) % width
    return tf.reshape(tf.pad(resampled, [[0, missing]]), [-1, width])


def _at_rate(samples: tf.Tensor, rate: int, utterances: Utterances) -> tf.Tensor:
    """Return a sound of that rate at the rate of the utterances, float32 [n].

    It is computed as `resampling_filter.apply` does, so that both round to the same.
    """
    to = utterances.sample_rate
    if rate == to:
        return samples
    bank = resampling_filter.measure(rate, to)
    count = tf.size(samples)
    length = (count * bank.up + bank.down - 1) // bank.down
    blocks = -(-length // bank.up)
    before = max(0, -bank.first)
    reach = (blocks - 1) * bank.down + len(bank.numbers)
    after = tf.maximum(0, reach - before - count)
    padded = tf.pad(tf.cast(samples, tf.float64), [[before, after]])
    waves = padded[None, :, None]
    # Constants of 32 bits, which are half as large in a file.
    filters = tf.cast(np.ascontiguousarray(bank.numbers[:, None, :]), tf.float64)
    found = tf.nn.conv1d(waves, filters, stride=bank.down, padding="VALID")
    flat = tf.reshape(found[0, :blocks], [-1])[:length]
    return tf.cast(flat, tf.float32)
