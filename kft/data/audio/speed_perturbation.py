"""Sounds that are played faster or slower, and so higher or lower.

Speed perturbation (Ko et al., Audio Augmentation for Speech Recognition, 2015), as
Kaldi and torchaudio have it: the sound is resampled, and then read at its old rate. The
speed is any number of a range, so no table of filters would hold. Here it is done by
the Fourier transform, which takes any ratio: what lies below half of both rates stays
as it is, and nothing else is left. Interpolation between two samples would damp tones
(by 1.8 dB at a quarter of the rate, 7.8 dB at half of it) and add mirrored ones.
"""

import tensorflow as tf

from kft.data.audio.utterances import Utterances

# Windows are made as long as a multiple of so many samples: the transform of a length
# with large prime factors takes several times as long.
_WINDOW_STEP = 32


def draw(key: tf.Tensor, largest_change: float) -> tf.Tensor:
    """Return a speed in [1 - largest_change, 1 + largest_change), float64 [].

    Args:
        key: int64 [2]; decides it.
        largest_change: in (0, 1).
    """
    low, high = 1.0 - largest_change, 1.0 + largest_change
    return tf.random.stateless_uniform([], key, low, high, tf.float64)


def faster_rows(rows: tf.Tensor, speed: tf.Tensor, utterances: Utterances) -> tf.Tensor:
    """Return a whole sound at about that speed, float32 [other rows, samples_per_row].

    It has as many rows as `Utterances.rows_at` says, which settles the speed.

    Args:
        rows: of the sound, float32 [rows, samples_per_row], at least one.
        speed: float64 [].
        utterances: how it was read.
    """
    count, width = tf.shape(rows)[0], utterances.samples_per_row
    wanted = tf.round(tf.cast(count, tf.float64) / speed)
    most = tf.maximum(count, utterances.most_rows - 1)
    played = tf.clip_by_value(tf.cast(wanted, tf.int32), 1, most)
    sound = resampled(tf.reshape(rows, [1, -1]), played * width)
    return tf.reshape(sound, [-1, width])


def faster_windows(clips: tf.Tensor, speed: tf.Tensor) -> tf.Tensor:
    """Return windows of the same length at that speed, with their middle where it was.

    What a window has no sound for, at both ends, is silence.

    Args:
        clips: float32 [windows, samples].
        speed: float64 [].
    """
    samples = clips.shape[1]
    steps = tf.cast(tf.round(samples / speed / _WINDOW_STEP), tf.int32)
    played = resampled(clips, tf.maximum(steps, 1) * _WINDOW_STEP)
    beyond = tf.maximum(tf.shape(played)[1] - samples, 0) // 2
    middle = played[:, beyond : beyond + samples]
    missing = samples - tf.shape(middle)[1]
    filled = tf.pad(middle, [[0, 0], [missing // 2, missing - missing // 2]])
    return tf.ensure_shape(filled, clips.shape)


def resampled(sounds: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Return sounds that last so many samples, float32 [n, length].

    Args:
        sounds: float32 [n, samples].
        length: int32 [].
    """
    samples = tf.shape(sounds)[1]
    # The transform takes a sound for one period of many; as much silence after it keeps
    # its end apart from its beginning.
    spectrum = tf.signal.rfft(sounds, fft_length=[2 * samples])
    ratio = tf.cast(length, tf.float32) / tf.cast(samples, tf.float32)
    # Frequencies that the new length has no place for are left out.
    found = tf.signal.irfft(spectrum, fft_length=[2 * length]) * ratio
    return found[:, :length]
