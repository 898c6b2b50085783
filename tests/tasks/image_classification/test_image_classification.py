"""What the task says of images, in numbers."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kft import tasks
from kft.config import TrainConfig
from kft.data.labels import LabelMap

LABELS = LabelMap(("a", "b", "c"))
LOGITS = tf.constant([[2.0, 0.0, 0.0], [0.0, 0.0, 5.0]])


def task(**changes):
    return tasks.get(TrainConfig(**changes), LABELS)


def encoded(form: str, *, colour=(255, 0, 0), size=(30, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form)
    return buffer.getvalue()


def test_the_loss_is_the_cross_entropy_in_nats():
    losses = task().objective.losses(tf.constant([0, 1]), LOGITS)
    expected = [np.log(1 + 2 * np.exp(-2)), np.log(2 + np.exp(5))]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_smoothing_gives_every_class_its_share_of_the_target():
    smoothed = task(label_smoothing=0.3).objective.losses(tf.constant([0, 1]), LOGITS)
    per_class = [task().objective.losses(tf.constant([k, k]), LOGITS) for k in range(3)]
    expected = 0.7 * task().objective.losses(tf.constant([0, 1]), LOGITS)
    expected += 0.1 * tf.add_n(per_class)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-5)


def test_metrics_are_plain_whatever_the_smoothing():
    found = task(label_smoothing=0.3).objective.totals(
        tf.constant([0, 1]), LOGITS, training=False
    )
    np.testing.assert_allclose(
        found["loss"], task().objective.losses(tf.constant([0, 1]), LOGITS), rtol=1e-6
    )
    np.testing.assert_array_equal(found["accuracy"], [1.0, 0.0])


def test_a_mixed_label_costs_and_counts_by_its_shares():
    shares = tf.constant([[0.75, 0.25, 0.0], [0.5, 0.0, 0.5]])
    for smoothing in (0.0, 0.3):
        mixed = task(label_smoothing=smoothing)
        per_class = tf.stack(
            [mixed.objective.losses(tf.constant([k, k]), LOGITS) for k in range(3)],
            axis=1,
        )
        np.testing.assert_allclose(
            mixed.objective.losses(shares, LOGITS),
            tf.reduce_sum(shares * per_class, axis=1),
            rtol=1e-5,
        )
    found = task().objective.totals(shares, LOGITS, training=False)
    # The classes 0 and 2 are predicted.
    np.testing.assert_allclose(found["accuracy"], [0.75, 0.5])


def test_only_mixup_and_cutmix_mix():
    assert task(augment="standard,color").inputs.mix() is None
    assert task(augment="mixup").inputs.mix().num_classes == 3
    assert task(augment="mixup").inputs.is_augmented


def test_evaluation_gives_pixels_of_the_right_size_and_colour():
    preprocess = task(image_size=16).inputs.preprocess(training=False)
    image = preprocess(tf.constant(encoded("PNG")), tf.constant([0, 0], tf.int64))
    assert image.dtype == tf.uint8 and image.shape == (16, 16, 3)
    assert (image.numpy() == [255, 0, 0]).all()


def test_training_without_augmentation_sees_what_evaluation_sees():
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    payload, key = tf.constant(buffer.getvalue()), tf.constant([3, 4], tf.int64)
    plain = task(image_size=16)
    np.testing.assert_array_equal(
        plain.inputs.preprocess(training=True)(payload, key),
        plain.inputs.preprocess(training=False)(payload, key),
    )
    augmented = task(image_size=16, augment="standard").inputs.preprocess(training=True)
    first = augmented(payload, key)
    np.testing.assert_array_equal(first, augmented(payload, key))
    assert (first.numpy() != augmented(payload, key + 1).numpy()).any()


def test_facts_of_the_input_name_all_that_changes_it():
    facts = [
        task().inputs.cache_key(),
        task(image_size=64).inputs.cache_key(),
        task(resize="pad").inputs.cache_key(),
        task(augment="flip").inputs.cache_key(),
        task(augment="flip", seed=1).inputs.cache_key(),
    ]
    assert len({str(found) for found in facts}) == len(facts)
    assert task(seed=1).inputs.cache_key() == task().inputs.cache_key()


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("GIF", ".gif"),
        ("BMP", ".bmp"),
        ("WEBP", ".webp"),
    ],
)
def test_the_ending_follows_the_content(form, suffix):
    assert task().display.suffix(encoded(form)) == suffix
    assert task().display.suffix(b"text") == ""


def test_the_size_is_the_backbones_own_unless_given():
    assert task(backbone="InceptionV3").inputs.image_size == 299
    assert task(backbone="InceptionV3", image_size=100).inputs.image_size == 100
