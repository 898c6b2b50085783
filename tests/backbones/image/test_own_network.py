"""What is known of a network of the user's own, and what is said of a wrong one."""

import json
import zipfile
from pathlib import Path

import keras
import pytest

from kft import errors
from kft.backbones.image import image_table, own_network, scaling
from kft.config import ImageModelConfig
from tests import own_networks


def _saved(path: Path, model: keras.Model) -> str:
    model.save(path)
    return str(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("networks")
    return _saved(folder / "residual.keras", own_networks.residual())


@pytest.fixture(scope="module")
def headed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("networks")
    return _saved(folder / "headed.keras", own_networks.residual(top=True))


def _config(path: str, **changes) -> ImageModelConfig:
    return ImageModelConfig(backbone=path, **{"scaling": "unit", **changes})


def _message(config: ImageModelConfig, image_size: int | None = None) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        image_table.check(config, image_size)
    return str(caught.value)


def test_blocks_are_found_at_the_joins(path: str) -> None:
    backbone = image_table.of(_config(path))
    assert backbone.own.anchors == own_networks.BLOCKS
    assert backbone.blocks.names == tuple(own_networks.BLOCKS)
    assert backbone.image_size == own_networks.SIDE
    image_table.check(_config(path), own_networks.SIDE)


def test_blocks_can_be_named_in_any_order(path: str) -> None:
    config = _config(path, blocks=("top=b_out", "low=stem_conv"))
    anchors = image_table.of(config).own.anchors
    assert list(anchors.items()) == [("low", "stem_conv"), ("top", "b_out")]


def test_a_network_that_takes_any_size_sees_224_pixels(tmp_path: Path) -> None:
    path = _saved(tmp_path / "any.keras", own_networks.residual(side=None))
    assert image_table.of(_config(path)).image_size == 224
    image_table.check(_config(path), 48)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (("top=b_oot",), "has no layer 'b_oot'. Did you mean b_out"),
        (
            ("top=b_conv",),
            "no place to cut: 'b_shortcut' above it reads 'a_out' below it. Nearest",
        ),
        (("top=c_out",), "nothing of the network is above its last layer"),
        (("top3=b_out",), "'top3' means something else in --stages"),
        (("top",), "expected NAME=LAYER, such as upper=conv4_out, received 'top'"),
        (("a=b_out", "b=b_out"), "'b_out' is given twice"),
    ],
)
def test_blocks_that_are_none_are_refused(path: str, blocks, message: str) -> None:
    assert message in _message(_config(path, blocks=blocks))


def test_a_head_is_refused_and_can_be_cut_off(headed: str) -> None:
    message = _message(_config(headed))
    assert "it ends in 'predictions' (Dense), which looks like the head" in message
    assert "--backbone_output=pool cuts it off" in message
    for name in ("pool", "c_out", "predictions"):
        config = _config(headed, backbone_output=name)
        assert image_table.of(config).own.graph.output.name == name
    assert "no such layer. Did you mean pool?" in _message(
        _config(headed, backbone_output="pol")
    )


def test_a_softmax_of_its_own_is_a_head(tmp_path: Path) -> None:
    model = own_networks.residual(top=True)
    logits = keras.layers.Dense(3, name="scores")(model.get_layer("pool").output)
    last = keras.layers.Softmax(name="soft")(logits)
    path = _saved(tmp_path / "soft.keras", keras.Model(model.input, last))
    assert "--backbone_output=pool cuts it off" in _message(_config(path))


def test_an_embedding_with_an_activation_is_no_head(tmp_path: Path) -> None:
    model = own_networks.residual(top=True)
    pooled = model.get_layer("pool").output
    last = keras.layers.Dense(3, activation="relu", name="embedding")(pooled)
    path = _saved(tmp_path / "embedding.keras", keras.Model(model.input, last))
    image_table.check(_config(path), None)


def test_the_range_of_the_pixels_is_asked_about(path: str) -> None:
    message = _message(ImageModelConfig(backbone=path))
    assert "expected --scaling too" in message and "unit (0 to 1)" in message
    assert image_table.of(_config(path, scaling="own")).own.scaling is None


def test_another_size_than_that_of_its_input_is_refused(path: str) -> None:
    message = _message(_config(path), image_size=48)
    assert "reads images of 32 pixels alone (its keras.Input), received 48" in message


@pytest.mark.parametrize("shape", [(32, 32, 1), (32, 48, 3), (3, 32, 32), (32, 3)])
def test_inputs_that_are_no_square_images_are_refused(tmp_path: Path, shape) -> None:
    images = keras.Input(shape)
    model = keras.Model(images, keras.layers.ReLU()(images))
    path = _saved(tmp_path / "other.keras", model)
    expected = f"square and RGB, or of any size; it reads {[None, *shape]}"
    assert expected in _message(_config(path))


def test_a_name_that_kft_gives_is_refused(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, keras.layers.ReLU(name="head_pooling")(images))
    path = _saved(tmp_path / "other.keras", model)
    assert "its layer 'head_pooling' has the name of one that kft" in _message(
        _config(path)
    )


def test_a_network_that_kft_has_built_has_its_scaling(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3), name="images")
    x = scaling.Scaling("lite", name="scaling")(images)
    model = keras.Model(images, keras.layers.Conv2D(4, 3, name="conv")(x))
    path = _saved(tmp_path / "other.keras", model)
    image_table.check(_config(path, scaling="own"), None)
    assert "its layer 'scaling' has the name of one" in _message(_config(path))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_none_of_keras_is_refused(tmp_path: Path, content) -> None:
    path = tmp_path / "other.keras"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{")
    else:
        path.write_bytes(content)
    assert "expected a file that model.save('other.keras') of Keras 3 has" in _message(
        _config(str(path))
    )
    assert "there is no such file" in _message(_config(str(tmp_path / "gone.keras")))


def test_code_in_a_file_is_refused_before_tensorflow_sees_it(tmp_path: Path) -> None:
    description = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "layers": [
                {
                    "module": "keras.layers",
                    "class_name": "Lambda",
                    "config": {"name": "evil"},
                }
            ]
        },
    }
    path = tmp_path / "evil.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(description))
    assert "its layer 'evil' is a Lambda" in _message(_config(str(path)))


def test_options_of_own_networks_belong_to_them() -> None:
    message = _message(ImageModelConfig(scaling="tf", blocks=("a=b",), weights="none"))
    assert "--scaling belongs to networks of your own" in message
    assert "--blocks belongs to networks of your own" in message


def test_a_network_that_was_given_is_in_this_process_alone() -> None:
    message = _message(_config("given:0123"))
    assert "was given to kft.fine_tune as network=" in message


def test_what_a_run_keeps_is_the_network(path: str, tmp_path: Path) -> None:
    source = own_network.find(_config(path)).source
    (tmp_path / own_network.KEPT).write_bytes(source.content())
    kept = own_network.find(_config(path), tmp_path)
    assert kept.source.digest == source.digest
    assert kept.anchors == own_networks.BLOCKS
    own_network.check_unchanged(_config(path), tmp_path)


def test_another_network_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    own_networks.residual().save(path)
    content = own_network.find(_config(str(path))).source.content()
    (tmp_path / own_network.KEPT).write_bytes(content)
    own_networks.residual(seed=4).save(path)
    with pytest.raises(errors.ConfigError, match="the file is not the one that the"):
        own_network.check_unchanged(_config(str(path)), tmp_path)
    kept = own_network.find(_config(str(path)), tmp_path)
    with pytest.raises(errors.ConfigError, match="Put that one back"):
        kept.source.weights_file()
    path.unlink()
    own_network.check_unchanged(_config(str(path)), tmp_path)


def test_a_kept_network_that_is_damaged_is_an_error(path: str, tmp_path: Path) -> None:
    (tmp_path / own_network.KEPT).write_text("{}")
    with pytest.raises(errors.RunDirError, match=r"network\.json is damaged"):
        own_network.find(_config(path), tmp_path)
