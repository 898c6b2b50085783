"""What augmentation does to a sound, and that nothing but the key decides it."""

import numpy as np
import pytest
import tensorflow as tf

from kft.config import augmentations
from kft.config.audio import AUDIO_AUGMENTATIONS
from kft.data.audio import audio_augment, audio_mixup
from kft.data.audio.windows import Windows

RATE = 8_000
LOUD = np.sin(np.arange(RATE, dtype=np.float32) * 0.7) * 0.5


def _augmented(text: str, key: int, clip: np.ndarray = LOUD) -> np.ndarray:
    chosen = augmentations.parse(text, AUDIO_AUGMENTATIONS)
    shifts = {one.name: one.strength for one in chosen}
    windows = Windows(RATE, 1.0, margin=shifts.get("shift", 0.0))
    edge = windows.margin_samples
    found = audio_augment.training_windows(
        tf.constant(np.pad(clip, edge)[None]),
        tf.constant([3, key], tf.int64),
        windows=windows,
        augmentations=chosen,
    )
    return found.numpy()[0]


@pytest.mark.parametrize("text", ["shift", "speed", "gain", "noise", "specaugment"])
def test_the_key_alone_decides(text: str) -> None:
    first = _augmented(text, 1)
    np.testing.assert_array_equal(_augmented(text, 1), first)
    assert np.abs(_augmented(text, 2) - first).max() > 1e-3
    # What else the flag names does not change what one draws.
    assert first.shape == LOUD.shape


def test_a_shift_moves_the_sound_by_at_most_its_strength() -> None:
    click = np.zeros(RATE, np.float32)
    click[RATE // 2] = 1.0
    moved = [_augmented("shift@0.1", key, click).argmax() for key in range(60)]
    offsets = np.array(moved) - RATE // 2
    assert np.abs(offsets).max() <= 800
    assert offsets.min() < -600 and offsets.max() > 600


def test_another_speed_is_another_pitch_about_the_same_middle() -> None:
    times = (np.arange(RATE) - (RATE - 1) / 2) / RATE
    burst = np.exp(-((times / 0.05) ** 2)) * np.cos(2 * np.pi * 400 * times)
    burst = burst.astype(np.float32)
    found = [_augmented("speed@0.2", key, burst) for key in range(30)]
    pitches = [np.abs(np.fft.rfft(one)).argmax() for one in found]
    assert 318 < min(pitches) < 350 and 450 < max(pitches) < 482
    for one in found:
        assert abs(np.average(np.arange(RATE), weights=one**2) - RATE / 2) < 2


def test_a_gain_is_of_at_most_its_decibels() -> None:
    factors = [
        np.abs(_augmented("gain@6", key)).max() / np.abs(LOUD).max()
        for key in range(40)
    ]
    decibels = 20 * np.log10(factors)
    assert -6.01 < decibels.min() < -4 and 4 < decibels.max() < 6.01


def test_noise_is_no_louder_than_the_ratio_says() -> None:
    ratios = []
    for key in range(40):
        noise = _augmented("noise@20", key) - LOUD
        ratios.append(10 * np.log10(np.mean(LOUD**2) / np.mean(noise**2)))
    assert 19.5 < min(ratios) < 24 and 45 < max(ratios) < 50.5
    assert np.isfinite(_augmented("noise@20", 0, np.zeros_like(LOUD))).all()


def test_specaugment_blanks_a_stretch_and_a_band() -> None:
    white = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    silent, missing = [], []
    for key in range(30):
        found = _augmented("specaugment@0.5", key, white)
        level = np.abs(found).reshape(80, -1).max(axis=1)
        silent.append(np.mean(level < 0.08))
        power = np.abs(np.fft.rfft(found)) / np.abs(np.fft.rfft(white))
        missing.append(np.mean(power.reshape(-1)[:4000].reshape(80, 50).max(1) < 0.5))
    assert max(silent) <= 0.5 and max(silent) > 0.3
    assert max(missing) > 0.3


def test_mixup_mixes_the_samples_as_it_mixes_the_labels() -> None:
    chosen = augmentations.parse("mixup@0.4", AUDIO_AUGMENTATIONS)
    mix = audio_mixup.mix(chosen, num_classes=2)
    keys = np.stack([np.zeros(500, np.int64), np.arange(500)], -1)
    shares, numbers = mix.draw(keys)
    assert 0.45 < shares.mean() < 0.55 and shares.min() < 0.05 and shares.max() > 0.95
    own, other = tf.ones([500, 4]), tf.zeros([500, 4])
    mixed = mix.apply(own, other, tf.constant(numbers))
    np.testing.assert_allclose(mixed[:, 0], shares, atol=1e-6)
    assert audio_mixup.mix((), num_classes=2) is None
