"""The mean over views, on a tiny network."""

import types
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from kft import tasks
from kft.config import TrainConfig
from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.tasks.views import Views
from tests import tiny


def _noise(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *tiny.SHAPE), np.uint8)


def _task(activation: str) -> types.SimpleNamespace:
    serving = types.SimpleNamespace(activation=activation)
    return types.SimpleNamespace(inputs=tiny.Inputs(), serving=serving)


@pytest.mark.parametrize(
    ("activation", "probabilities"),
    [("softmax", scores.softmax), ("sigmoid", scores.sigmoid)],
)
def test_the_answer_is_the_mean_of_the_probabilities_for_each_view(
    activation: str, probabilities: Callable[[np.ndarray], np.ndarray]
) -> None:
    task = _task(activation)
    views = Views(task, [lambda one: one, lambda one: 255 - one, lambda one: one // 2])
    model, images = tiny.network().model, _noise(5)
    seen = [images, 255 - images, images // 2]
    each = [probabilities(model.predict_on_batch(one)) for one in seen]
    expected = np.mean(each, axis=0)
    found = views.network(model)(tf.constant(images), training=False)
    np.testing.assert_allclose(probabilities(found.numpy()), expected, atol=1e-6)
    assert np.abs(expected - each[0]).max() > 0.01


def test_a_network_of_views_has_the_weights_of_the_network() -> None:
    model = tiny.network().model
    found = Views(_task("softmax"), [lambda one: one, lambda one: one]).network(model)
    assert [id(one) for one in found.variables] == [id(one) for one in model.variables]


@pytest.mark.parametrize("name", tasks.kind("image_classification").views)
def test_the_views_of_images_are_those_of_the_flag(name: str) -> None:
    config = TrainConfig(dataset="digits", image_size=32)
    task = tasks.get(config, LabelMap(("a", "b")))
    views = tasks.views_of(config, task, name)
    spec = views.task.inputs.spec
    images = tf.zeros([2, *spec.shape], spec.dtype)
    for view in views.views:
        assert view(images).shape == [2, 32, 32, 3]


def test_flip_is_an_image_and_its_mirror_image() -> None:
    config = TrainConfig(dataset="digits", image_size=32)
    task = tasks.get(config, LabelMap(("a", "b")))
    image = np.arange(2 * 32 * 32 * 3, dtype=np.float32).reshape(2, 32, 32, 3)
    same, mirrored = (
        view(image) for view in tasks.views_of(config, task, "flip").views
    )
    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(mirrored, image[:, :, ::-1])


@pytest.mark.parametrize("method", ["crop", "square", "pad", "squash"])
def test_five_crop_reads_more_of_an_image_than_the_network_sees(method: str) -> None:
    config = TrainConfig(dataset="digits", image_size=56, resize=method)
    task = tasks.get(config, LabelMap(("a", "b")))
    found = tasks.views_of(config, task, "five_crop")
    assert found.task.inputs.image_size == 64
    rng = np.random.default_rng(0)
    image = tf.io.encode_png(rng.integers(0, 256, (64, 64, 3), np.uint8))
    key = tf.constant([0, 0])
    whole = found.task.inputs.preprocess(training=False)(image, key)[None]
    middle, top_left, *_ = (view(whole) for view in found.views)
    np.testing.assert_array_equal(whole[0], tf.io.decode_png(image))
    np.testing.assert_array_equal(top_left[0], whole[0, :56, :56])
    np.testing.assert_array_equal(middle[0], whole[0, 4:60, 4:60])
    if method == "crop":
        # It is what the network sees without views.
        alone = task.inputs.preprocess(training=False)(image, key)
        np.testing.assert_array_equal(middle[0], alone)
    assert found.task.serving.metadata()["image_size"] == 64
    assert found.task.serving.metadata()["resize"] == (
        "square" if method == "crop" else method
    )
