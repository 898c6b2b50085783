"""The ImageNet weights are found, downloaded, or asked for in words that help."""

import dataclasses
import hashlib
import http.client
import os
import urllib.error
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from kft import errors
from kft.backbones.image import build_family, image_table, imagenet
from kft.backbones.image.image_backbone import Backbone

CONTENT = b"weights"


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _backbone(digest: str | None = hashlib.md5(CONTENT).hexdigest()) -> Backbone:
    backbone = image_table.get("ResNet50")
    file = dataclasses.replace(backbone.imagenet, digest=digest)
    return dataclasses.replace(backbone, imagenet=file)


def _server(monkeypatch, answer: bytes | Exception) -> list[str]:
    """Replace what Keras downloads with; return the addresses that it is asked for."""
    asked: list[str] = []

    def urlretrieve(address: str, path: str, progress: object) -> None:
        asked.append(address)
        Path(path).write_bytes(answer if isinstance(answer, bytes) else b"half")
        if isinstance(answer, Exception):
            raise answer

    monkeypatch.setattr(file_utils, "urlretrieve", urlretrieve)
    return asked


def test_a_file_is_downloaded_once(keras_home: Path, monkeypatch) -> None:
    asked = _server(monkeypatch, CONTENT)
    paths = [imagenet.fetch(_backbone()) for _ in range(2)]
    name = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert paths == [keras_home / "models" / name] * 2
    assert paths[0].read_bytes() == CONTENT
    assert asked == [_backbone().imagenet.address]
    assert os.listdir(keras_home / "models") == [name]


def test_a_damaged_file_is_downloaded_again(keras_home: Path, monkeypatch) -> None:
    _server(monkeypatch, CONTENT)
    path = keras_home / "models" / _backbone().imagenet.name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut sho")
    assert imagenet.fetch(_backbone()).read_bytes() == CONTENT


def test_a_file_without_a_published_digest_is_taken(keras_home, monkeypatch) -> None:
    asked = _server(monkeypatch, CONTENT)
    path = keras_home / "models" / _backbone().imagenet.name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    assert imagenet.fetch(_backbone(digest=None)) == path
    assert asked == []


@pytest.mark.parametrize(
    "failure",
    [
        urllib.error.URLError(OSError(-3, "Temporary failure in name resolution")),
        urllib.error.HTTPError("address", 404, "Not Found", {}, None),
        TimeoutError("timed out"),
        ConnectionResetError("reset"),
        http.client.IncompleteRead(b"half"),
        OSError(28, "No space left on device"),
        b"other content than the digest says",
    ],
)
def test_without_a_network_the_message_says_what_to_do(
    failure, keras_home: Path, monkeypatch
) -> None:
    _server(monkeypatch, failure)
    with pytest.raises(errors.ConfigError) as caught:
        imagenet.fetch(_backbone())
    message = str(caught.value)
    assert message.startswith("--weights=imagenet: the weights of ResNet50 are not in")
    assert f"download {_backbone().imagenet.address}" in message
    assert "KERAS_HOME" in message
    assert f"--weights=/path/to/{_backbone().imagenet.name}" in message
    assert str(keras_home / "models") in message
    # Nothing that is half a file stays.
    assert os.listdir(keras_home / "models") == []


def test_a_bug_in_the_download_is_not_taken_for_a_missing_network(
    keras_home, monkeypatch
) -> None:
    _server(monkeypatch, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        imagenet.fetch(_backbone())


def test_a_home_that_is_no_folder_is_explained(keras_home: Path, monkeypatch) -> None:
    _server(monkeypatch, CONTENT)
    keras_home.write_text("a file")
    with pytest.raises(errors.ConfigError, match="could not be downloaded"):
        imagenet.fetch(_backbone())


def test_weights_that_come_with_a_package_have_no_file() -> None:
    with pytest.raises(ValueError, match="come with a package"):
        imagenet.fetch(image_table.get("EfficientNetLite0"))


@pytest.mark.parametrize("size", [96, 224])
def test_mobilenet_v2_is_pretrained_without_a_network(
    size: int, shared: Path, monkeypatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(shared / "keras_home"))
    asked = _server(monkeypatch, CONTENT)
    backbone = image_table.get("MobileNetV2")
    images = keras.Input((size, size, 3), name="images")
    model = keras.Model(images, build_family.build(backbone, images, "imagenet"))
    assert asked == []
    with h5py.File(imagenet.fetch(backbone)) as file:
        names = [
            n for n in file.attrs["layer_names"] if file[n].attrs["weight_names"].size
        ]
        first = file[names[0]]
        kernel = first[first.attrs["weight_names"][0]][()]
    layer = model.get_layer("Conv1")
    np.testing.assert_array_equal(np.asarray(layer.kernel), kernel)


def test_the_home_of_an_unknown_user_is_explained(monkeypatch) -> None:
    monkeypatch.setenv("KERAS_HOME", "~no_such_user_of_kft/keras")
    with pytest.raises(errors.ConfigError, match="KERAS_HOME.*'~no_such_user_of_kft/"):
        imagenet.fetch(_backbone())
