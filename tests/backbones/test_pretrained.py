"""A file of weights gives the features that Keras computes from the same file."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import applications
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from kft.backbones.image import build_family, image_table

_Preprocess = Callable[[np.ndarray], np.ndarray]
PREPROCESS: dict[str, _Preprocess] = {
    "VGG16": applications.vgg16.preprocess_input,
    "ResNet50": applications.resnet.preprocess_input,
    "ResNet50V2": applications.resnet_v2.preprocess_input,
    "DenseNet121": applications.densenet.preprocess_input,
    "InceptionV3": applications.inception_v3.preprocess_input,
    "InceptionResNetV2": applications.inception_resnet_v2.preprocess_input,
    "Xception": applications.xception.preprocess_input,
    "MobileNet": applications.mobilenet.preprocess_input,
    "MobileNetV2": applications.mobilenet_v2.preprocess_input,
    "MobileNetV3Small": applications.mobilenet_v3.preprocess_input,
    "EfficientNetV2B0": applications.efficientnet_v2.preprocess_input,
    "EfficientNetV2S": applications.efficientnet_v2.preprocess_input,
    "NASNetMobile": applications.nasnet.preprocess_input,
    "ConvNeXtTiny": applications.convnext.preprocess_input,
}
SLOW = ("InceptionResNetV2", "EfficientNetV2S", "NASNetMobile")
SIZE = 96


def _marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if name in SLOW else []


@pytest.fixture(autouse=True)
def fresh_session() -> Iterator[None]:
    yield
    keras.backend.clear_session()
    gc.collect()


def _plain(name: str, weights: str | None = None, top: bool = False) -> keras.Model:
    """Return the network as Keras builds it, with statistics as of training."""
    keras.utils.set_random_seed(1)
    build = getattr(applications, name)
    shape = (SIZE, SIZE, 3)
    if top:
        model = build(weights=weights, input_shape=shape, classes=7)
    else:
        model = build(weights=weights, input_shape=shape, include_top=False)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.beta.assign(rng.normal(0, 0.1, size))
            layer.moving_mean.assign(rng.normal(0, 0.1, size))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, size))
        elif isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.adapt_mean.assign([0.485, 0.456, 0.406])
            layer.adapt_variance.assign([0.229, 0.224, 0.225])
            layer.finalize_state()
    return model


def _legacy(model: keras.Model, path: Path) -> Path:
    """Write the format in which keras.applications distributes its weights."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def _keras3(model: keras.Model, path: Path) -> Path:
    model.save_weights(path)
    return path


def _archive(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


_FORMATS = {".h5": _legacy, ".weights.h5": _keras3, ".keras": _archive}


def _ours(name: str, weights: str) -> keras.Model:
    images = keras.Input((SIZE, SIZE, 3), name="images")
    return keras.Model(
        images, build_family.build(image_table.get(name), images, weights)
    )


def _images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("f4")


def _features(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images, training=False))


def _assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    scale = np.abs(theirs).max()
    assert scale > 0
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=1e-5)


def _keras_imagenet(name: str, path: Path, monkeypatch) -> keras.Model:
    """Return what Keras builds with `weights="imagenet"` where `path` is the file."""
    monkeypatch.setattr(file_utils, "get_file", lambda *a, **k: str(path))
    build = getattr(applications, name)
    shape = (SIZE, SIZE, 3)
    return build(include_top=False, weights="imagenet", input_shape=shape)


def test_all_families_of_keras_are_tried() -> None:
    tried = {image_table.get(name).family for name in PREPROCESS}
    elsewhere = {"EfficientNet", "EfficientNetLite"}
    assert tried == set(image_table.FAMILIES) - elsewhere


@pytest.mark.parametrize("name", [pytest.param(n, marks=_marks(n)) for n in PREPROCESS])
def test_a_legacy_file_gives_the_features_of_keras(name: str, tmp_path) -> None:
    plain = _plain(name)
    path = _legacy(plain, tmp_path / "notop.h5")
    ours = _features(_ours(name, str(path)), _images())
    theirs = _features(plain, PREPROCESS[name](_images()))
    _assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("MobileNetV2", ".h5"),
        ("MobileNetV2", ".weights.h5"),
        ("MobileNetV2", ".keras"),
        ("EfficientNetB0", ".weights.h5"),
        ("ConvNeXtTiny", ".weights.h5"),
    ],
)
def test_all_formats_hold_the_same(name: str, ending: str, tmp_path) -> None:
    plain = _plain(name)
    path = _FORMATS[ending](plain, tmp_path / f"file{ending}")
    kept = [np.asarray(w) for w in _ours(name, str(path)).weights]
    for ours, theirs in zip(kept, plain.weights, strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize("ending", _FORMATS)
def test_the_classifier_of_a_file_is_left_out(ending: str, tmp_path) -> None:
    plain = _plain("MobileNet", top=True)
    path = _FORMATS[ending](plain, tmp_path / f"top{ending}")
    ours = _ours("MobileNet", str(path)).weights
    assert len(ours) == len(plain.weights) - 2
    for mine, theirs in zip(ours, plain.weights, strict=False):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_a_whole_legacy_model_is_read_for_its_weights(tmp_path) -> None:
    plain = _plain("MobileNet")
    plain.save(tmp_path / "model.h5")
    ours = _ours("MobileNet", str(tmp_path / "model.h5"))
    np.testing.assert_array_equal(
        np.asarray(ours.weights[-1]), np.asarray(plain.weights[-1])
    )


def test_the_best_weights_of_a_run_are_weights_for_the_next(tmp_path) -> None:
    backbone = _ours("MobileNet", "none")
    head = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(backbone.output))
    run = keras.Model(backbone.input, head)
    run.save_weights(tmp_path / "best.weights.h5")
    again = _ours("MobileNet", str(tmp_path / "best.weights.h5"))
    for ours, theirs in zip(again.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_efficientnet_is_the_same_function_from_any_source(
    tmp_path, monkeypatch
) -> None:
    path = _legacy(_plain("EfficientNetB0"), tmp_path / "efficientnetb0_notop.h5")
    loaded = _ours("EfficientNetB0", str(path))
    expected = _features(loaded, _images())
    _assert_close(
        expected,
        _features(_keras_imagenet("EfficientNetB0", path, monkeypatch), _images()),
    )

    loaded.save_weights(tmp_path / "kft.weights.h5")
    rebuilt = _ours("EfficientNetB0", "none")
    rebuilt.load_weights(tmp_path / "kft.weights.h5")
    np.testing.assert_array_equal(_features(rebuilt, _images()), expected)

    prefix = tf.train.Checkpoint(model=loaded).write(str(tmp_path / "state"))
    restored = _ours("EfficientNetB0", "none")
    restored_from = tf.train.Checkpoint(model=restored).read(prefix)
    restored_from.assert_existing_objects_matched()
    np.testing.assert_array_equal(_features(restored, _images()), expected)


def test_efficientnet_without_weights_scales_like_the_pretrained(tmp_path) -> None:
    # Keras' own network starts from mean 0 and variance 1.
    ours = _ours("EfficientNetB0", "none")
    cut = keras.Model(ours.input, ours.get_layer("normalization").output)
    expected = applications.densenet.preprocess_input(_images())
    np.testing.assert_allclose(_features(cut, _images()), expected, atol=1e-5)
