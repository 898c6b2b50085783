"""What is mixed, how much of it, and with which label, in numbers."""

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.config import augmentations
from kft.data import epoch_plan, examples, keyed_numbers, pipeline
from kft.data.image import mixup
from kft.data.pipeline import Span
from kft.distribution.batch_sharing import BatchShare

_SIZE = 32
_KEYS = np.stack([np.full(4000, 7), np.arange(4000)], axis=-1)


def _mix(text, size=_SIZE):
    return mixup.mix(augmentations.parse(text), num_classes=3, size=size)


def test_numbers_of_keys_are_uniform_and_of_their_key_alone():
    numbers = keyed_numbers.uniforms(_KEYS, 3)
    np.testing.assert_array_equal(keyed_numbers.uniforms(_KEYS[5:9], 3), numbers[5:9])
    # A tenth holds 400 of 4000; the standard deviation is 19.
    for column in numbers.T:
        counts, _ = np.histogram(column, bins=10, range=(0, 1))
        assert np.abs(counts - 400).max() < 80
    assert np.abs(np.corrcoef(numbers.T) - np.eye(3)).max() < 0.06
    seeds = np.stack([np.arange(4000), np.full(4000, 7)], axis=-1)
    assert len(np.unique(keyed_numbers.uniforms(seeds, 1))) == 4000


def test_the_generator_is_splitmix64():
    # The first output for the seed 1234567, as reference implementations give it.
    state = np.array([1234567 + 0x9E3779B97F4A7C15], np.uint64)
    assert keyed_numbers._finish(state).tolist() == [6457827717110365317]


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_the_share_of_mixup_has_the_moments_of_its_distribution(alpha):
    shares, _ = _mix(f"mixup@{alpha}").draw(_KEYS)
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_nothing_that_mixes_is_no_mix():
    assert _mix("standard,color") is None


@pytest.mark.parametrize("text", ["mixup", "cutmix", "mixup,cutmix"])
def test_the_share_of_the_label_is_the_share_of_the_pixels(text):
    mix = _mix(text)
    shares, numbers = mix.draw(_KEYS[:200])
    assert shares.shape == (200,) and numbers.shape == (200, mix.width)
    assert shares.min() >= 0 and shares.max() <= 1
    white = np.full((200, _SIZE, _SIZE, 3), 255, np.uint8)
    mixed = mix.apply(white, np.zeros_like(white), tf.constant(numbers)).numpy()
    np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)) / 255, shares, atol=0.003)
    kinds = {len(np.unique(image)) for image in mixed}
    # Mixup has one gray, CutMix black and white, and either may be nothing at all.
    assert kinds == ({1} if text == "mixup" else {1, 2})


def test_cutmix_pastes_one_rectangle_from_the_same_place():
    mix = _mix("cutmix")
    _, numbers = mix.draw(_KEYS[:100])
    rng = np.random.default_rng(0)
    own, other = rng.integers(0, 256, (2, 100, _SIZE, _SIZE, 3)).astype(np.uint8)
    mixed = mix.apply(own, other, tf.constant(numbers)).numpy()
    for index, (_, top, bottom, left, right) in enumerate(numbers.astype(int)):
        expected = own[index].copy()
        expected[top:bottom, left:right] = other[index, top:bottom, left:right]
        np.testing.assert_array_equal(mixed[index], expected)


def test_the_area_of_a_cutmix_box_has_the_distribution_of_mixup():
    _, numbers = _mix("cutmix@1", size=200).draw(_KEYS)
    _, top, bottom, left, right = numbers.T
    # Of those that no border cuts off; alpha of 1 is the uniform distribution.
    whole = (top > 0) & (bottom < 200) & (left > 0) & (right < 200)
    drawn = keyed_numbers.uniforms(_KEYS, 2)[whole, 1]
    sides = np.sqrt(1 - drawn) * 200
    assert 600 < whole.sum() < 2400
    np.testing.assert_allclose((bottom - top)[whole], sides, atol=2)
    np.testing.assert_allclose((right - left)[whole], sides, atol=2)


def test_eager_equals_graph():
    mix = _mix("mixup,cutmix")
    _, numbers = mix.draw(_KEYS[:20])
    rng = np.random.default_rng(0)
    own, other = rng.integers(0, 256, (2, 20, _SIZE, _SIZE, 3)).astype(np.uint8)
    dataset = tf.data.Dataset.from_tensors((own, other, numbers)).map(mix.apply)
    np.testing.assert_array_equal(
        next(dataset.as_numpy_iterator()), mix.apply(own, other, tf.constant(numbers))
    )


def _examples(n):
    """Return examples whose inputs are images of one gray, their number."""
    return examples.Examples(
        ids=np.array([f"{i:03d}" for i in range(n)]),
        labels=(np.arange(n) % 3).astype(np.int32),
        rows=np.arange(n),
        read=lambda rows: tf.strings.as_string(rows),
    )


def _image(payload, key):
    number = tf.strings.to_number(payload, tf.int32)
    return tf.fill([_SIZE, _SIZE, 3], tf.cast(number, tf.uint8))


def _train(n=23, *, text="mixup@1", class_weights=None, taught=None, **share):
    sampling = epoch_plan.SamplingConfig(
        seed=1, mix=_mix(text), class_weights=class_weights, taught=taught
    )
    share = BatchShare(**({"batch_size": 8} | share))
    dataset = pipeline.train_batches(
        _examples(n), _image, share=share, sampling=sampling, span=Span(epochs=2)
    )
    return list(dataset.as_numpy_iterator())


def test_a_row_is_mixed_with_its_neighbour_and_so_is_its_label():
    plain = pipeline.train_batches(
        _examples(23),
        _image,
        share=BatchShare(batch_size=8),
        sampling=epoch_plan.SamplingConfig(seed=1),
        span=Span(epochs=2),
    )
    for (inputs, labels, weights), (single, own, valid) in zip(
        _train(), plain.as_numpy_iterator(), strict=True
    ):
        np.testing.assert_array_equal(weights, valid)
        assert labels.shape == (8, 3) and labels.dtype == np.float32
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
        for row in range(8):
            one, other = single[row, 0, 0, 0], single[row ^ 1, 0, 0, 0]
            if own[row] == own[row ^ 1]:
                assert labels[row, own[row]] == pytest.approx(1)
                continue
            share = labels[row, own[row]]
            assert labels[row, own[row ^ 1]] == pytest.approx(1 - share, abs=1e-6)
            expected = share * one + (1 - share) * other
            assert inputs[row, 0, 0, 0] == pytest.approx(expected, abs=0.51)


def test_workers_and_replicas_together_get_what_one_device_gets():
    alone = _train(batch_size=8, text="mixup,cutmix")
    parts = [
        _train(batch_size=8, text="mixup,cutmix", worker=w, num_workers=2, replicas=2)
        for w in range(2)
    ]
    for number, batch in enumerate(alone):
        pieces = [p[number * 2 + replica] for p in parts for replica in range(2)]
        for whole, *pieces_of in zip(batch, *pieces, strict=True):
            np.testing.assert_array_equal(np.concatenate(pieces_of), whole)


def test_the_loss_of_a_mixed_example_is_the_mean_of_both_with_their_weights():
    weights_of = np.array([1.0, 5.0, 0.25])
    losses = np.random.default_rng(0).random((8, 3))
    pairs = zip(_train(n=16), _train(n=16, class_weights=weights_of), strict=True)
    for (_, shares, plain), (_, targets, weights) in pairs:
        # Cross entropy is linear in the target: sum of share times loss of the class.
        found = (targets * losses).sum(axis=1) * weights
        expected = (shares * weights_of * losses).sum(axis=1) * plain
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_a_teacher_says_is_mixed_as_the_labels_are():
    # A teacher that says what the labels say, and nothing else.
    taught = np.eye(3, dtype=np.float32)[_examples(23).labels]
    for (_, labels, _), (_, targets, _) in zip(
        _train(), _train(taught=taught), strict=True
    ):
        np.testing.assert_array_equal(targets.labels, labels)
        np.testing.assert_allclose(targets.taught, labels, atol=1e-6)


def test_half_a_pair_on_a_device_is_refused():
    with pytest.raises(errors.ConfigError, match="multiple of twice the number of dev"):
        _train(batch_size=6, replicas=2)
