"""The operations on colours and places do what Pillow does; only the drawn ones run."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from kft.data.image import affine, color, rand_augment, random_erasing

_SIZE = 40


def _images():
    """Return images of noise, of one colour, of two values, and a smooth one."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (_SIZE, _SIZE, 3))
    ramp = np.arange(_SIZE) * 3
    smooth = np.stack(np.broadcast_arrays(ramp[:, None], ramp + 60, 90), axis=-1)
    two = np.where(noise > 200, 180, 20)
    return [p.astype(np.uint8) for p in (noise, np.full_like(noise, 77), two, smooth)]


def _enhance(name, factor):
    return lambda image: getattr(ImageEnhance, name)(image).enhance(factor)


def _solarize_add(amount):
    table = [min(255, i + amount) if i < 128 else i for i in range(256)]
    return lambda image: image.point(table * 3)


# Ours, then Pillow's.
_COLOURS = {
    "autocontrast": (color.autocontrast, ImageOps.autocontrast),
    "equalize": (color.equalize, ImageOps.equalize),
    "invert": (color.invert, ImageOps.invert),
    **{
        f"posterize {bits}": (
            lambda p, bits=bits: color.posterize(p, tf.constant(bits)),
            lambda image, bits=bits: ImageOps.posterize(image, bits),
        )
        for bits in (1, 4, 8)
    },
    **{
        f"solarize {threshold}": (
            lambda p, t=threshold: color.solarize(p, tf.constant(t)),
            lambda image, t=threshold: ImageOps.solarize(image, t),
        )
        for threshold in (0, 100, 256)
    },
    "solarize_add": (
        lambda p: color.solarize_add(p, tf.constant(110)),
        _solarize_add(110),
    ),
    **{
        f"{ours.__name__} {factor}": (
            lambda p, ours=ours, factor=factor: ours(p, tf.constant(factor)),
            _enhance(theirs, factor),
        )
        for ours, theirs in (
            (color.brightness, "Brightness"),
            (color.contrast, "Contrast"),
            (color.saturation, "Color"),
            (color.sharpness, "Sharpness"),
        )
        for factor in (0.0, 0.1, 0.6, 1.0, 1.9)
    },
}


@pytest.mark.parametrize("name", _COLOURS)
def test_colours_are_those_of_pillow(name):
    ours, theirs = _COLOURS[name]
    for image in _images():
        found = ours(tf.constant(image)).numpy().astype(int)
        expected = np.asarray(theirs(Image.fromarray(image))).astype(int)
        # Between and beyond two images Pillow rounds products of float32 in an order
        # of its own.
        blends = name.endswith((" 0.1", " 0.6", " 1.9"))
        assert np.abs(found - expected).max() <= blends


def _affine(*numbers):
    return lambda image: image.transform(
        image.size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR
    )


# A share of the height is one of the width here too: the image is a square.
_MOVES = {
    "rotate": (
        lambda p: affine.rotate(p, tf.constant(20.0)),
        lambda image: image.rotate(20, Image.Resampling.BILINEAR),
    ),
    "shear_x": (
        lambda p: affine.shear_x(p, tf.constant(0.3)),
        _affine(1, 0.3, 0, 0, 1, 0),
    ),
    "shear_y": (
        lambda p: affine.shear_y(p, tf.constant(-0.2)),
        _affine(1, 0, 0, -0.2, 1, 0),
    ),
    "translate_x": (
        lambda p: affine.translate_x(p, tf.constant(0.25)),
        _affine(1, 0, 10, 0, 1, 0),
    ),
    "translate_y": (
        lambda p: affine.translate_y(p, tf.constant(-0.25)),
        _affine(1, 0, 0, 0, 1, -10),
    ),
}


@pytest.mark.parametrize("name", _MOVES)
def test_moves_are_those_of_pillow_and_what_comes_in_is_gray(name):
    ours, theirs = _MOVES[name]
    for image in _images():
        found = ours(tf.constant(image)).numpy().astype(int)
        expected = np.asarray(theirs(Image.fromarray(image))).astype(int)
        white = Image.fromarray(np.full_like(image, 255))
        inside = np.asarray(theirs(white)).min(axis=-1) == 255
        # Where all neighbours of a point are in the image.
        padded = np.pad(inside, 1)
        shifts = [np.s_[1:-1, 2:], np.s_[1:-1, :-2], np.s_[2:, 1:-1], np.s_[:-2, 1:-1]]
        inside = np.logical_and.reduce([inside, *(padded[s] for s in shifts)])
        assert 0.4 < inside.mean() < 0.95
        assert np.abs(found - expected)[inside].max() <= 2
        outside = np.asarray(theirs(white)).max(axis=-1) == 0
        assert (found[outside] == 128).mean() > 0.8


def _key(index):
    """Return a key whose first layer draws this operation."""
    for number in range(10_000):
        key = tf.constant([9, number], tf.int64)
        first = tf.random.experimental.stateless_fold_in(key, 0)
        happens, which, _ = tf.random.stateless_uniform([3], first).numpy()
        if happens < 0.5 and int(which * len(rand_augment.OPERATIONS)) == index:
            return first
    raise AssertionError(index)


def test_each_operation_changes_a_image_alike_eagerly_and_in_tf_data():
    noise, _, _, smooth = _images()
    image = tf.constant(noise // 8 + smooth // 2 + 20)
    keys = tf.stack([_key(index) for index in range(len(rand_augment.OPERATIONS))])
    dataset = tf.data.Dataset.from_tensor_slices(keys).map(
        lambda key: rand_augment._layer(image, key, 9.0)
    )
    assert dataset.element_spec == tf.TensorSpec([_SIZE, _SIZE, 3], tf.uint8)
    found = list(dataset.as_numpy_iterator())
    for key, changed in zip(keys, found, strict=True):
        eager = rand_augment._layer(image, key, 9.0)
        np.testing.assert_array_equal(changed, eager)
        assert (changed != image.numpy()).any()
    assert len({changed.tobytes() for changed in found}) == len(found)


def test_only_what_is_drawn_runs(monkeypatch):
    ran = []

    def noting(name):
        def run(image, level, sign):
            def note(image, level):
                ran.append((name, float(level)))
                return image

            return tf.numpy_function(note, [image, level], tf.uint8)

        return run

    noted = {name: noting(name) for name in rand_augment.OPERATIONS}
    monkeypatch.setattr(rand_augment, "OPERATIONS", noted)
    image = tf.constant(_images()[0])
    keys = np.stack([np.full(600, 3), np.arange(600)], axis=-1)
    dataset = tf.data.Dataset.from_tensor_slices(keys).map(
        lambda key: rand_augment.rand_augment(image, key, magnitude=9.0)
    )
    assert len(list(dataset)) == 600
    # Two chances of a half each; the standard deviation is 17.
    assert len(ran) == pytest.approx(600, abs=70)
    names, counts = np.unique([name for name, _ in ran], return_counts=True)
    assert set(names) == set(noted)
    assert counts.min() > 15 and counts.max() < 80
    levels = np.array([level for _, level in ran]) * 10
    assert levels.max() <= 10
    assert np.median(levels) == pytest.approx(9, abs=0.1)
    assert (np.abs(levels - 9) < 0.5).mean() == pytest.approx(0.68, abs=0.07)


def test_jitter_changes_by_at_most_its_strength():
    gray = tf.constant(np.full((4, 4, 3), 100, np.uint8))
    values = [
        int(color.jitter(gray, tf.constant([1, n], tf.int64), strength=0.4)[0, 0, 0])
        for n in range(100)
    ]
    # Contrast and saturation leave one gray as it is; brightness is 0.6 to 1.4.
    assert 60 <= min(values) < 70 and 130 < max(values) <= 140
    assert np.mean(values) == pytest.approx(100, abs=8)


def test_erasing_makes_a_rectangle_of_noise_as_often_as_it_says():
    white = tf.constant(np.full((_SIZE, _SIZE, 3), 255, np.uint8))
    erase = tf.function(lambda key: random_erasing.erase(white, key, probability=0.25))
    areas = []
    for number in range(400):
        image = erase(tf.constant([5, number], tf.int64)).numpy()
        rows, columns = np.nonzero((image != 255).any(axis=-1))
        if rows.size:
            box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            noise = image[box]
            areas.append(noise[..., 0].size / _SIZE**2)
            # One pixel in 17 million has three channels of 255.
            assert rows.size == noise[..., 0].size
            assert noise.size < 100 or 90 < noise.mean() < 165
    assert len(areas) == pytest.approx(100, abs=30)
    assert 0.015 < min(areas) < 0.08
    assert 0.25 < max(areas) < 0.36


def test_erasing_is_the_same_eagerly_and_in_a_graph():
    white = tf.constant(np.full((_SIZE, _SIZE, 3), 255, np.uint8))
    for number in range(8):
        key = tf.constant([5, number], tf.int64)
        eager = random_erasing.erase(white, key, probability=0.9)
        graph = tf.function(random_erasing.erase)(white, key, probability=0.9)
        np.testing.assert_array_equal(eager, graph)
