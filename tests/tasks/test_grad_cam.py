"""Grad-CAM points at what decides, and finds the feature map of every family."""

import keras
import numpy as np
import pytest

from kft.backbones.image import image_table
from kft.config import ImageModelConfig, stages
from kft.model.network import Network
from kft.tasks import grad_cam
from kft.tasks.image_classification import image_network

SIZE = 32
HALF = SIZE // 2
SQUARE = 10
COLOURS = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)])


def _squares(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gray noise with a square inside one quadrant: images, colours, places.

    The colour is the label; quadrant 0 is the upper left one, 3 the lower right one.
    """
    rng = np.random.default_rng(seed)
    images = np.repeat(rng.integers(80, 176, (n, SIZE, SIZE, 1)), 3, axis=-1)
    labels, quadrants = rng.integers(0, 3, n), rng.integers(0, 4, n)
    offsets = rng.integers(1, HALF - SQUARE, (n, 2))
    tops = offsets + HALF * np.stack([quadrants // 2, quadrants % 2], axis=-1)
    for image, label, (top, left) in zip(images, labels, tops, strict=True):
        image[top : top + SQUARE, left : left + SQUARE] = COLOURS[label]
    return images.astype(np.uint8), labels, quadrants


def _network() -> Network:
    """Return a small classifier, trained until it tells the colours apart."""
    keras.utils.set_random_seed(0)
    images = keras.Input((SIZE, SIZE, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(images)
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    logits = keras.layers.Dense(3, name="logits")(x)
    model = keras.Model(images, logits)
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs, labels, _ = _squares(512, seed=1)
    model.fit(inputs, labels, batch_size=64, epochs=8, verbose=0)
    return Network(model, stages.Blocks(()), {}, "pooling")


def _quadrant_shares(maps: np.ndarray) -> np.ndarray:
    """Return the share of the heat in each quadrant, [n, 4]."""
    n, rows, columns = maps.shape
    parts = maps.reshape(n, 2, rows // 2, 2, columns // 2).sum(axis=(2, 4))
    return parts.reshape(n, 4) / maps.sum(axis=(1, 2))[:, None]


def test_the_heat_lies_in_the_quadrant_of_the_square() -> None:
    network = _network()
    inputs, labels, quadrants = _squares(60, seed=2)
    answers = network.model.predict_on_batch(inputs).argmax(axis=-1)
    assert np.mean(answers == labels) > 0.95

    maps = grad_cam.heat(network, inputs, labels)

    assert maps.shape == (60, 8, 8)
    assert maps.min() == 0 and np.allclose(maps.max(axis=(1, 2)), 1)
    shares = _quadrant_shares(maps)[np.arange(60), quadrants]
    assert shares.min() > 0.6
    # Of another class, the square is no sign.
    others = grad_cam.heat(network, inputs, (labels + 1) % 3)
    assert _heat_there(others, quadrants) < 0.5 * _heat_there(maps, quadrants)


def _heat_there(maps: np.ndarray, quadrants: np.ndarray) -> float:
    n, rows, columns = maps.shape
    parts = maps.reshape(n, 2, rows // 2, 2, columns // 2).sum(axis=(2, 4))
    return float(parts.reshape(n, 4)[np.arange(n), quadrants].mean())


def test_with_average_pooling_it_is_the_weighted_sum_of_the_features() -> None:
    network = _network()
    inputs, labels, _ = _squares(11, seed=3)
    features = keras.Model(
        network.model.inputs, network.model.get_layer("pooling").input
    ).predict_on_batch(inputs)
    # Equation 2 with the gradient worked out by hand: class activation mapping.
    weights = network.model.get_layer("logits").kernel.numpy()[:, labels]
    expected = np.maximum(np.einsum("nhwc,cn->nhw", features, weights), 0)
    expected /= expected.max(axis=(1, 2), keepdims=True)
    maps = grad_cam.heat(network, inputs, labels)
    np.testing.assert_allclose(maps, expected, atol=1e-5)


def _smallest_of_each_family() -> list[str]:
    smallest = {}
    for backbone in sorted(image_table.BACKBONES.values(), key=lambda b: -b.parameters):
        smallest[backbone.family] = backbone.name
    return sorted(smallest.values())


@pytest.mark.parametrize("name", _smallest_of_each_family())
def test_the_map_before_pooling_is_found_in_every_family(name: str) -> None:
    backbone = image_table.get(name)
    size = max(32, backbone.min_image_size)
    config = ImageModelConfig(backbone=name, weights="none")
    network = image_network.build(
        config, backbone, image_size=size, num_classes=2, weights="none"
    )
    halves = grad_cam.feature_split(network)
    (features,) = halves.trunk.outputs
    assert features is network.model.get_layer(network.head_anchor).input
    # All that is above the map is the head.
    assert {layer.name for layer in halves.tail.layers[1:]} == {
        network.head_anchor,
        "logits",
    }


def test_a_head_that_reads_no_map_is_an_error() -> None:
    inputs = keras.Input((4,), name="inputs")
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    logits = keras.layers.Dense(2, name="logits")(hidden)
    network = Network(keras.Model(inputs, logits), stages.Blocks(()), {}, "logits")
    with pytest.raises(ValueError, match="logits does not read a feature map"):
        grad_cam.heat(network, np.zeros([1, 4]), np.zeros([1], int))
