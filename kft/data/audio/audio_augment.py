"""Stateless augmentation of sounds: the same key always gives the same sound.

All of it is on samples, so that it comes before the network, whose graph begins with
them: SpecAugment (Park et al., arXiv 1904.08779) blanks a stretch of the time, and a
band of the mel scale by way of the Fourier transform.
"""

import math
from collections.abc import Mapping, Sequence

import tensorflow as tf

from kft.config.augmentations import Augmentation
from kft.data.audio import speed_perturbation
from kft.data.audio.utterances import Utterances
from kft.data.audio.windows import Windows

# Numbers that make the key of each augmentation, whatever else the flag names.
_KEYS = {"shift": 1, "gain": 2, "noise": 3, "specaugment": 4, "speed": 5}
# Of the mel scale as O'Shaughnessy (1987) has it.
_MEL_HERTZ = 700.0
# Added to a power that a logarithm is taken of.
_NO_POWER = 1e-12


def evaluation_windows(clips: tf.Tensor, windows: Windows) -> tf.Tensor:
    """Return windows without their margins, float32 [windows, samples].

    Args:
        clips: float32 [windows, samples with margins].
        windows: how they were read.
    """
    start = windows.margin_samples
    return clips[:, start : start + windows.samples]


def training_windows(
    clips: tf.Tensor,
    key: tf.Tensor,
    *,
    windows: Windows,
    augmentations: Sequence[Augmentation],
) -> tf.Tensor:
    """Return augmented windows, float32 [windows, samples].

    Args:
        clips: float32 [windows, samples with margins].
        key: int64 [2]; decides all that is random.
        windows: how they were read.
        augmentations: of `--augment`; what mixes two sounds is left to `audio_mixup`.
    """
    strengths = {one.name: one.strength or 0.0 for one in augmentations}
    keys = _keys(key)
    if "speed" in strengths:
        speed = speed_perturbation.draw(keys["speed"], strengths["speed"])
        clips = speed_perturbation.faster_windows(clips, speed)
    sounds = _shifted(clips, keys["shift"], windows)
    return altered(sounds, key, strengths=strengths, sample_rate=windows.sample_rate)


def training_rows(
    rows: tf.Tensor,
    key: tf.Tensor,
    *,
    utterances: Utterances,
    strengths: Mapping[str, float],
) -> tf.Tensor:
    """Return an augmented whole sound, float32 [rows, samples_per_row].

    Args:
        rows: float32 [rows, samples_per_row]; with `speed` others come out.
        key: int64 [2]; decides all that is random.
        utterances: how it was read.
        strengths: of the augmentations by their names.
    """
    if "speed" in strengths:
        speed = speed_perturbation.draw(_keys(key)["speed"], strengths["speed"])
        rows = speed_perturbation.faster_rows(rows, speed, utterances)
    sounds = altered(
        tf.reshape(rows, [1, -1]),
        key,
        strengths=strengths,
        sample_rate=utterances.sample_rate,
    )
    return tf.reshape(sounds, [-1, utterances.samples_per_row])


def altered(
    sounds: tf.Tensor,
    key: tf.Tensor,
    *,
    strengths: Mapping[str, float],
    sample_rate: int,
) -> tf.Tensor:
    """Return sounds of the same length with gain, noise, and parts that are blanked.

    Args:
        sounds: float32 [n, samples].
        key: int64 [2]; decides all that is random.
        strengths: of the augmentations by their names; of others nothing is made here.
        sample_rate: in hertz.
    """
    keys = _keys(key)
    if "gain" in strengths:
        sounds = _gain(sounds, keys["gain"], strengths["gain"])
    if "noise" in strengths:
        sounds = _noise(sounds, keys["noise"], strengths["noise"])
    if "specaugment" in strengths:
        largest = strengths["specaugment"]
        sounds = _blank(sounds, keys["specaugment"], largest, sample_rate)
    return sounds


def _keys(key: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return a key for each augmentation."""
    return {
        name: tf.random.experimental.stateless_fold_in(key, number)
        for name, number in _KEYS.items()
    }


def _shifted(clips: tf.Tensor, key: tf.Tensor, windows: Windows) -> tf.Tensor:
    most = 2 * windows.margin_samples
    if not most:
        return clips
    start = tf.random.stateless_uniform([], key, 0, most + 1, tf.int32)
    shifted = clips[:, start : start + windows.samples]
    return tf.ensure_shape(shifted, [windows.count, windows.samples])


def _gain(sounds: tf.Tensor, key: tf.Tensor, strength: float) -> tf.Tensor:
    decibels = tf.random.stateless_uniform([], key, -strength, strength)
    return sounds * tf.pow(10.0, decibels / 20.0)


def _noise(sounds: tf.Tensor, key: tf.Tensor, least_ratio: float) -> tf.Tensor:
    """Return sounds with white noise, as loud as the ratio says or up to 30 dB less."""
    level_key, noise_key = tf.unstack(tf.random.experimental.stateless_split(key, 2))
    ratio = tf.random.stateless_uniform([], level_key, least_ratio, least_ratio + 30.0)
    power = tf.reduce_mean(tf.square(sounds)) + _NO_POWER
    deviation = tf.sqrt(power * tf.pow(10.0, -ratio / 10.0))
    return sounds + deviation * tf.random.stateless_normal(tf.shape(sounds), noise_key)


def _blank(
    sounds: tf.Tensor, key: tf.Tensor, largest: float, sample_rate: int
) -> tf.Tensor:
    """Return sounds without a stretch of the time and without a band of the mel scale.

    Each is as long as a number between 0 and `largest` says, of all of it.
    """
    numbers = tf.random.stateless_uniform([4], key)
    begin, end = _part(numbers[0], numbers[1], largest)
    samples = tf.shape(sounds)[1]
    times = tf.linspace(0.0, 1.0, samples)
    sounds *= tf.cast((times < begin) | (times >= end), sounds.dtype)
    begin, end = _part(numbers[2], numbers[3], largest)
    highest = sample_rate / 2
    most_mels = math.log1p(highest / _MEL_HERTZ)
    frequencies = tf.linspace(0.0, highest, samples // 2 + 1)
    mels = tf.math.log1p(frequencies / _MEL_HERTZ) / most_mels
    kept = tf.cast((mels < begin) | (mels >= end), tf.complex64)
    spectrum = tf.signal.rfft(sounds) * kept
    found = tf.signal.irfft(spectrum, fft_length=[samples])
    return tf.ensure_shape(found, sounds.shape)


def _part(
    share: tf.Tensor, place: tf.Tensor, largest: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where a part of [0, 1] begins and ends."""
    width = share * largest
    begin = place * (1.0 - width)
    return begin, begin + width
