import keras
import numpy as np
import pytest
from keras import applications

from kft.backbones.image import scaling

PREPROCESS = {
    "caffe": applications.resnet.preprocess_input,
    "tf": applications.resnet_v2.preprocess_input,
    "torch": applications.densenet.preprocess_input,
}
COLOURS = np.array([[[[0, 0, 0], [255, 255, 255]], [[255, 0, 0], [10, 20, 30]]]])


@pytest.mark.parametrize("mode", PREPROCESS)
def test_scaling_is_that_of_keras(mode: str) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 9, 7, 3)).astype("float32")
    expected = PREPROCESS[mode](images.copy())
    ours = np.asarray(scaling.Scaling(mode)(images))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("mode", "black", "white", "red"),
    [
        ("caffe", (-103.939, -116.779, -123.68), (151.061, 138.221, 131.32), 131.32),
        ("tf", (-1, -1, -1), (1, 1, 1), 1),
        ("torch", (-2.1179, -2.0357, -1.8044), (2.2489, 2.4286, 2.64), 2.2489),
        ("lite", (-0.9921875,) * 3, (1.0,) * 3, 1.0),
    ],
)
def test_known_colours_become_known_numbers(mode, black, white, red) -> None:
    scaled = np.asarray(scaling.Scaling(mode)(COLOURS.astype("uint8")))
    np.testing.assert_allclose(scaled[0, 0, 0], black, atol=1e-4)
    np.testing.assert_allclose(scaled[0, 0, 1], white, atol=1e-4)
    # Red is the last channel in BGR.
    assert scaled[0, 1, 0, 2 if mode == "caffe" else 0] == pytest.approx(red, abs=1e-4)


@pytest.mark.parametrize("mode", [*PREPROCESS, "lite"])
def test_scaling_is_exact_under_mixed_precision(mode: str) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    exact = np.asarray(scaling.Scaling(mode)(images))
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        mixed = scaling.Scaling(mode)(images)
    finally:
        keras.config.set_dtype_policy("float32")
    assert mixed.dtype == "float32"
    np.testing.assert_array_equal(np.asarray(mixed), exact)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected one of caffe, unit, tf, torch, l"):
        scaling.Scaling("bgr")


def test_the_layers_are_saved_and_loaded_without_custom_objects(tmp_path) -> None:
    images = keras.Input((4, 4, 3))
    scaled = scaling.Normalization()(scaling.Scaling("caffe")(images))
    model = keras.Model(images, scaled)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3))
    np.testing.assert_array_equal(
        np.asarray(loaded(pixels, training=False)),
        np.asarray(model(pixels, training=False)),
    )


def test_normalization_starts_as_imagenet_demands() -> None:
    layer = scaling.Normalization()
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 5, 5, 3)).astype("float32")
    expected = PREPROCESS["torch"](pixels.copy())
    ours = np.asarray(layer(pixels / 255))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_normalization_reads_its_variables_in_every_call() -> None:
    images = keras.Input((1, 1, 3))
    layer = scaling.Normalization()
    model = keras.Model(images, layer(images))
    before = model.predict(np.ones((1, 1, 1, 3)), verbose=0)
    layer.adapt_mean.assign([1.0, 1.0, 1.0])
    after = model.predict(np.ones((1, 1, 1, 3)), verbose=0)
    assert np.all(before > 1.0)
    np.testing.assert_array_equal(after, np.zeros((1, 1, 1, 3)))


@pytest.mark.parametrize("mode", ["caffe", "unit", "tf", "torch", "lite"])
def test_layers_of_keras_scale_alike(mode: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, [2, 5, 4, 3]).astype("uint8")
    layer = scaling.Scaling(mode, name="scaling")
    other = layer.in_keras()
    assert other.name == "scaling"
    np.testing.assert_allclose(other(images), layer(images), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("kind", [scaling.Normalization, scaling.FittedNormalization])
def test_a_layer_of_keras_normalises_alike(kind: type) -> None:
    images = np.random.default_rng(0).uniform(size=[2, 5, 4, 3]).astype("float32")
    layer = kind(name="normal")
    layer.build(images.shape)
    layer.adapt_mean.assign([0.1, 0.2, 0.3])
    layer.adapt_variance.assign([0.5, 2.0, 0.0])
    other = layer.in_keras()
    assert type(other) is keras.layers.Normalization
    finite = slice(0, 2) if kind is scaling.Normalization else slice(None)
    np.testing.assert_allclose(
        other(images)[..., finite], layer(images)[..., finite], rtol=1e-5
    )
