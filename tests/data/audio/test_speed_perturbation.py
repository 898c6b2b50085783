"""Sounds at another speed: their length, their pitch, and nothing else of them."""

import numpy as np
import pytest
import tensorflow as tf

from kft.data.audio import speed_perturbation
from kft.data.audio.utterances import Utterances

RATE = 8_000
UTTERANCES = Utterances(sample_rate=RATE, samples_per_row=160, seconds=2.0)


def _key(number: int) -> tf.Tensor:
    return tf.constant([3, number], tf.int64)


def _tone(hertz: float, samples: int, *, rate: float = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(samples) / rate).astype(np.float32)


def test_the_key_alone_decides_a_speed_of_the_whole_range() -> None:
    speeds = [float(speed_perturbation.draw(_key(n), 0.2)) for n in range(100)]
    assert speeds[7] == float(speed_perturbation.draw(_key(7), 0.2))
    assert 0.8 <= min(speeds) < 0.82 and 1.18 < max(speeds) < 1.2
    assert abs(np.mean(speeds) - 1.0) < 0.03


@pytest.mark.parametrize(("rows", "speed"), [(80, 0.8), (80, 1.25), (37, 0.9)])
def test_a_tone_is_as_much_higher_as_it_is_shorter(rows: int, speed: float) -> None:
    # So high that interpolation between two samples would halve it.
    hertz = 0.38 * RATE
    sound = tf.reshape(_tone(hertz, rows * 160), [rows, 160])
    found = speed_perturbation.faster_rows(
        sound, tf.constant(speed, tf.float64), UTTERANCES
    )
    assert len(found) == round(rows / speed)
    moved = _tone(hertz * rows / len(found), len(found) * 160)
    # Begin and end of the tone are heard beyond the middle, ever less.
    middle = slice(1_000, -1_000)
    assert np.abs(found.numpy().reshape(-1)[middle] - moved[middle]).max() < 0.02


def test_a_tone_too_high_for_the_rate_is_gone() -> None:
    found = speed_perturbation.resampled(_tone(3_600, RATE)[None], tf.constant(6_400))
    assert np.abs(found[0, 1_000:-1_000]).max() < 0.01


def test_the_end_of_a_sound_is_not_heard_at_its_beginning() -> None:
    sound = np.zeros([1, RATE], np.float32)
    sound[0, -800:] = _tone(500, 800)
    found = speed_perturbation.resampled(sound, tf.constant(9_000)).numpy()
    assert np.abs(found[0, :800]).max() < 1e-3
    assert np.abs(found[0, -800:]).max() > 0.9


@pytest.mark.parametrize("change", [0.1, 0.25, 0.5])
def test_rows_are_counted_before_the_sound_is_read(change: float) -> None:
    counts = np.array([1, 2, 3, 5, 33, 67, 99, 101])
    slowest = UTTERANCES.rows_at(counts, 1.0 - change)
    fastest = UTTERANCES.rows_at(counts, 1.0 + change)
    assert (slowest[counts < 101] <= 100).all() and slowest[-1] == 101
    for rows, longest, shortest in zip(counts, slowest, fastest, strict=True):
        for speed, expected in ((1.0 - change, longest), (1.0 + change, shortest)):
            found = speed_perturbation.faster_rows(
                tf.zeros([rows, 160]), tf.constant(speed, tf.float64), UTTERANCES
            )
            assert len(found) == expected, (rows, speed)
        drawn = speed_perturbation.draw(_key(rows), change)
        between = speed_perturbation.faster_rows(
            tf.zeros([rows, 160]), drawn, UTTERANCES
        )
        assert shortest <= len(between) <= longest


def test_a_window_keeps_its_length_and_what_is_missing_is_silence() -> None:
    clips = tf.constant(np.ones([2, 1_001], np.float32))
    for speed, silent in ((1.25, 201), (0.8, 0)):
        found = speed_perturbation.faster_windows(
            clips, tf.constant(speed, tf.float64)
        ).numpy()
        assert found.shape == (2, 1_001)
        np.testing.assert_allclose(found[:, 300:-300], 1.0, atol=0.01)
        # Windows are as long as a multiple of 32 samples.
        quiet = np.flatnonzero(found[0] == 0.0)
        assert abs(len(quiet) - silent) <= 16
        assert abs((quiet < 500).sum() - (quiet >= 500).sum()) <= 1
