"""The layers of own networks compute what they did before."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kft import errors
from kft.backbones.image import build_family, given_network, image_table
from kft.config import ImageModelConfig
from kft.model import split
from tests import own_networks

PIXELS = np.random.default_rng(0).integers(0, 256, [2, 32, 32, 3]).astype(np.float32)


def _built(config: ImageModelConfig, *, side: int = 32, weights: str = "imagenet"):
    images = keras.Input((side, side, 3), name="images")
    features = build_family.build(image_table.of(config), images, weights)
    return keras.Model(images, features)


def _saved(folder: Path, model: keras.Model) -> ImageModelConfig:
    path = folder / "mine.keras"
    model.save(path)
    return ImageModelConfig(backbone=str(path), scaling="unit")


def _shuffled(model: keras.Model) -> keras.Model:
    """Give a network weights that no initializer gives."""
    rng = np.random.default_rng(1)
    model.set_weights(
        [rng.uniform(0.1, 0.5, weight.shape) for weight in model.get_weights()]
    )
    return model


def _flat() -> keras.Model:
    return _shuffled(own_networks.residual())


def _nested() -> keras.Model:
    """Return a network with networks, operations and a normalisation within it."""
    inner = own_networks.residual()
    tokens = keras.Input((64, 8))
    attended = keras.layers.MultiHeadAttention(2, 4, name="attention")(tokens, tokens)
    attention = keras.Model(tokens, keras.layers.Add()([tokens, attended]))
    images = keras.Input((32, 32, 3))
    x = keras.layers.Normalization(name="normal")(images)
    x = inner(x, training=False)
    x = keras.Sequential([keras.Input((8, 8, 8)), keras.layers.Conv2D(8, 1)])(x)
    x = keras.ops.relu(x) + 0.5 * x
    x = attention(keras.ops.reshape(x, (-1, 64, 8)))
    model = keras.Model(images, keras.layers.Reshape((8, 8, 8))(x))
    _shuffled(model).get_layer("normal").finalize_state()
    return model


@pytest.mark.parametrize("make", [_flat, _nested])
def test_a_file_gives_the_features_of_the_network(tmp_path: Path, make) -> None:
    model = make()
    found = _built(_saved(tmp_path, model))
    np.testing.assert_allclose(found(PIXELS), model(PIXELS / 255), rtol=1e-4, atol=1e-5)
    kinds = {type(layer).__name__ for layer in found.layers}
    assert not kinds & {"Functional", "Sequential"}


@pytest.mark.parametrize("make", [_flat, _nested])
def test_a_model_gives_its_features(make) -> None:
    model = make()
    backbone, blocks = given_network.keep(model, None)
    assert blocks == ()
    config = ImageModelConfig(backbone=backbone, scaling="unit")
    np.testing.assert_allclose(
        _built(config)(PIXELS), model(PIXELS / 255), rtol=1e-4, atol=1e-5
    )


def test_without_weights_they_are_random(tmp_path: Path) -> None:
    model = own_networks.residual()
    found = _built(_saved(tmp_path, model), weights="none")
    assert np.abs(found(PIXELS) - model(PIXELS / 255)).max() > 1e-3


def test_weights_can_come_from_another_file(tmp_path: Path) -> None:
    config = _saved(tmp_path, own_networks.residual())
    other = _shuffled(own_networks.residual(seed=5))
    other.save_weights(tmp_path / "other.weights.h5")
    found = _built(config, weights=str(tmp_path / "other.weights.h5"))
    np.testing.assert_allclose(found(PIXELS), other(PIXELS / 255), rtol=1e-4, atol=1e-5)


def test_a_network_of_any_size_is_built_for_that_of_the_images(tmp_path: Path) -> None:
    model = _shuffled(own_networks.residual(side=None))
    found = _built(_saved(tmp_path, model), side=48)
    assert found.output.shape == (None, 12, 12, 8)


def test_it_can_be_cut_at_each_of_its_blocks(tmp_path: Path) -> None:
    config = _saved(tmp_path, _shuffled(own_networks.residual()))
    model = _built(config)
    anchors = build_family.cut_anchors(image_table.of(config), model)
    assert list(anchors) == list(own_networks.BLOCKS)
    for anchor in anchors.values():
        halves = split.split_at(model, anchor)
        assert len(halves.trunk.outputs) == 1
        stored = split.FrozenTrunk(halves.trunk)(PIXELS)
        np.testing.assert_allclose(halves.tail(stored), model(PIXELS), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("MobileNetV2", 10), ("EfficientNetV2B0", 15), ("ResNet50", 16)],
)
def test_networks_of_keras_applications_are_own_ones_too(
    tmp_path: Path, name: str, blocks: int
) -> None:
    keras.utils.set_random_seed(0)
    make = getattr(keras.applications, name)
    model = make(include_top=False, weights=None, input_shape=(32, 32, 3))
    config = _saved(tmp_path, model)
    assert len(image_table.of(config).blocks.names) == blocks
    np.testing.assert_allclose(
        _built(config)(PIXELS), model(PIXELS / 255), rtol=1e-3, atol=1e-5
    )


def test_an_adapted_normalisation_reads_its_variables(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    normal = keras.layers.Normalization(name="normal")
    normal.adapt(PIXELS)
    config = _saved(tmp_path, keras.Model(images, normal(images)))
    config = ImageModelConfig(backbone=config.backbone, scaling="own")
    found = _built(config)
    np.testing.assert_allclose(found(PIXELS).numpy().std(), 1, rtol=1e-3)
    found.get_layer("normal").adapt_mean.assign([1e3] * 3)
    assert found(PIXELS).numpy().max() < 0


def test_the_precision_is_that_of_the_run(tmp_path: Path) -> None:
    config = _saved(tmp_path, own_networks.residual())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = _built(config)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("a_conv").compute_dtype == "bfloat16"
    assert model.get_layer("scaling").compute_dtype == "float32"


def test_features_of_another_rank_are_refused(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, keras.layers.Reshape((64, 48), name="rows")(images))
    with pytest.raises(errors.ConfigError, match=r"'rows' gives \[None, 64, 48\]"):
        _built(_saved(tmp_path, model))


def test_a_layer_that_does_not_fit_the_size_is_named(tmp_path: Path) -> None:
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(images)
    model = keras.Model(images, keras.layers.Reshape((900, 4), name="flat")(x))
    with pytest.raises(errors.ConfigError, match="its layer 'flat'"):
        _built(_saved(tmp_path, model), side=48)


def test_the_same_code_is_the_same_network() -> None:
    def unnamed() -> keras.Model:
        keras.utils.set_random_seed(0)
        images = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(4, 3)(images)
        y = keras.layers.Conv2D(4, 3, padding="same")(x)
        return keras.Model(images, keras.layers.Add()([x, y]))

    first, second = unnamed(), unnamed()
    assert first.layers[1].name != second.layers[1].name
    blocks = [{"top": model.layers[1].name} for model in (first, second)]
    kept = given_network.keep(first, blocks[0])
    assert kept == given_network.keep(second, blocks[1])
    assert kept[1] == ("top=conv2d_1",)
    second.layers[1].set_weights([w + 1 for w in second.layers[1].get_weights()])
    assert kept != given_network.keep(second, blocks[1])


class _Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (3, "expected a keras.Model without a head, received int"),
        (
            keras.Sequential([keras.layers.ReLU()]),
            "expected a Sequential that is built",
        ),
    ],
)
def test_what_is_no_model_is_refused(model, message: str) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        given_network.keep(model, None)


def _with(layer) -> keras.Model:
    images = keras.Input((32, 32, 3))
    return keras.Model(images, layer(images))


class _Mine(keras.layers.Layer):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: _Subclassed(), "functional"),
        (lambda: _with(keras.layers.Lambda(lambda x: x)), "is a Lambda"),
        (lambda: _with(_Mine(name="mine")), "'mine' is of the class '_Mine'"),
    ],
)
def test_what_a_run_could_not_keep_is_refused(make, message: str) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        backbone, _ = given_network.keep(make(), None)
        image_table.of(ImageModelConfig(backbone=backbone, scaling="unit"))
