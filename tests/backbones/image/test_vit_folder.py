"""What is known of a folder with a vision transformer, and said of a wrong one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kft import errors
from kft.backbones.image import build_family, image_table, vit_config, vit_folder
from kft.config import ImageModelConfig, TrainConfig
from kft.tasks.image_classification import image_recipe, weights_license
from tests.backbones.image.test_vit import REFERENCES

numpy_files = pytest.importorskip("safetensors.numpy", reason="needs the extra text")
BASE = {
    "model_type": "vit",
    "image_size": 224,
    "patch_size": 16,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCES / "vit", tmp_path / "vit-tiny"))


def _change(path: Path, **values: Any) -> None:
    """Write other values to a file; None takes one out."""
    found = {**json.loads(path.read_bytes()), **values}
    kept = {name: value for name, value in found.items() if value is not None}
    path.write_text(json.dumps(kept))


def _message(folder: Path | str, size: int | None = None, **options: Any) -> str:
    config = ImageModelConfig(backbone=str(folder), **options)
    with pytest.raises(errors.ConfigError) as caught:
        image_table.check(config, size)
    return str(caught.value)


def test_sizes_are_those_of_the_published_networks() -> None:
    base = vit_config.parse(BASE, "x")
    # As transformers counts them without pooler, mask token and biases of keys.
    assert base.parameters == 85_798_656 - 12 * 768
    assert base.blocks.names[-1] == "layer_12"
    assert (
        vit_config.parse({**BASE, "model_type": "deit"}, "x").parameters
        == 85_800_192 - 12 * 768
    )
    dino = {**BASE, "model_type": "dinov2", "image_size": 518, "patch_size": 14}
    assert vit_config.parse(dino, "x").parameters == 86_579_712 - 12 * 768
    giant = {
        **dino,
        **{"hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24},
        "use_swiglu_ffn": True,
    }
    found = vit_config.parse(giant, "x")
    assert (found.intermediate_size, found.layer_norm_eps) == (4096, 1e-6)


def test_a_folder_says_size_patch_and_pixels(folder: Path) -> None:
    backbone = image_table.of(ImageModelConfig(backbone=str(folder)))
    assert (backbone.image_size, backbone.min_image_size) == (16, 4)
    assert backbone.vit.scaling.mean == pytest.approx([127.5] * 3)
    assert backbone.vit.scaling.deviation == pytest.approx([127.5] * 3)
    image_table.check(ImageModelConfig(backbone=str(folder)), 28)
    found = _message(folder, 30)
    assert "reads patches of 4 x 4 pixels: expected a multiple of 4, such as" in found
    assert "28 or 32, received 30" in found


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"do_center_crop": True, "crop_size": 8}, 8),
        ({"do_center_crop": True, "crop_size": {"height": 8, "width": 8}}, 8),
        ({"size": 12}, 12),
        ({"size": {"shortest_edge": 12}}, 16),
        ({"size": {"height": 12, "width": 8}}, 16),
        ({"size": 13}, 16),
    ],
)
def test_the_size_is_that_which_its_preprocessor_makes(
    folder: Path, values: dict[str, Any], size: int
) -> None:
    _change(folder / vit_folder.PREPROCESSOR, **values)
    assert image_table.of(ImageModelConfig(backbone=str(folder))).image_size == size


@pytest.mark.parametrize(
    ("values", "pixel", "scaled"),
    [
        ({"image_mean": [0.0, 0.2, 0.4]}, [255, 51, 102], [2, 0, 0]),
        ({"rescale_factor": 1 / 127.5}, [127.5] * 3, [1, 1, 1]),
        ({"do_rescale": False}, [1, 0.5, 0], [1, 0, -1]),
        ({"do_normalize": False}, [255, 51, 0], [1, 0.2, 0]),
    ],
)
def test_pixels_are_scaled_as_its_preprocessor_does(
    folder: Path, values: dict[str, Any], pixel: list[float], scaled: list[float]
) -> None:
    _change(folder / vit_folder.PREPROCESSOR, **values)
    backbone = image_table.of(ImageModelConfig(backbone=str(folder)))
    images = keras.Input((16, 16, 3))
    model = keras.Model(images, build_family.build(backbone, images, "none"))
    first = keras.Model(images, model.get_layer("scaling").output)
    found = first(np.tile(np.float32(pixel), [1, 16, 16, 1]))[0, 0, 0]
    np.testing.assert_allclose(found, scaled, atol=1e-6)


def test_without_a_preprocessor_the_range_of_pixels_is_asked_about(
    folder: Path,
) -> None:
    (folder / vit_folder.PREPROCESSOR).unlink()
    assert "--scaling says it in its place: tf" in _message(folder)
    config = ImageModelConfig(backbone=str(folder), scaling="tf")
    image_table.check(config, None)
    assert image_table.of(config).vit.scaling == "tf"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"model_type": "swin"},
            "in config.json one of vit, deit, dinov2, ",
        ),
        ({"model_type": None}, "received None"),
        ({"hidden_size": "16"}, "expected a count as hidden_size in config.json"),
        ({"num_hidden_layers": 0}, "expected a count as num_hidden_layers"),
        (
            {"intermediate_size": None},
            "a count as intermediate_size in config.json",
        ),
        ({"num_attention_heads": 3}, "expected a multiple of 3 (heads) as hidden_size"),
        ({"image_size": 18}, "expected a multiple of 4 (a patch) as image_size"),
        ({"image_size": [16, 8]}, "expected the side of a square as image_size"),
        (
            {"hidden_act": "relu"},
            "'gelu', which is all that kft builds, as hidden_act",
        ),
        (
            {"num_channels": 1},
            "3, which is all that kft builds, as num_channels",
        ),
        (
            {"qkv_bias": False},
            "True, which is all that kft builds, as qkv_bias",
        ),
        ({"layer_norm_eps": -1}, "expected a number in [0, 1) as layer_norm_eps"),
    ],
)
def test_networks_that_cannot_be_built_are_named(
    folder: Path, values: dict[str, Any], said: str
) -> None:
    _change(folder / "config.json", **values)
    message = _message(folder)
    assert said in message
    assert message.startswith(f"--backbone={folder}: ")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image_std": [1, 1]}, "expected three positive numbers as image_std"),
        ({"image_std": [1, 1, 0]}, "expected three positive numbers as image_std"),
        ({"image_mean": "0.5"}, "expected three numbers of at least 0 as image_mean"),
        ({"image_mean": None}, "in preprocessor_config.json, received None"),
        ({"rescale_factor": 0}, "expected a positive number as rescale_factor"),
    ],
)
def test_pixels_that_cannot_be_scaled_are_named(
    folder: Path, values: dict[str, Any], said: str
) -> None:
    _change(folder / vit_folder.PREPROCESSOR, **values)
    assert said in _message(folder)


def test_what_is_no_such_folder_is_named(folder: Path, tmp_path: Path) -> None:
    assert "There is no such folder" in _message(tmp_path / "nothing")
    assert "come as the path of a folder" in _message("vit_base_patch16_224")
    assert "Did you mean ResNet50" in _message("resnet50")
    (folder / "config.json").unlink()
    assert "expected a readable config.json in the folder" in _message(folder)
    assert "--blocks belongs to networks of your own" in _message(
        REFERENCES / "vit", blocks=("a=b",)
    )


def _load(folder: Path) -> str:
    backbone = image_table.of(ImageModelConfig(backbone=str(folder)))
    images = keras.Input((16, 16, 3))
    with pytest.raises(errors.ConfigError) as caught:
        build_family.build(backbone, images, "imagenet")
    return str(caught.value)


def _without(weights: dict, name: str) -> dict:
    return {key: value for key, value in weights.items() if key != name}


_QUERY = "encoder.layer.1.attention.attention.query.weight"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda weights: _without(weights, f"vit.{_QUERY}"),
            f"expected {_QUERY} in model.safetensors; it is missing. Did you mean",
        ),
        (
            lambda weights: {**weights, f"vit.{_QUERY}": np.zeros([5, 16])},
            f"expected {_QUERY} of the shape (16, 16) in model.safetensors, as "
            "config.json says, received (5, 16)",
        ),
        (
            lambda weights: {
                **weights,
                "vit.embeddings.position_embeddings": np.zeros([1, 26, 16]),
            },
            "position_embeddings of the shape (1, 17, 16) in model.safetensors",
        ),
    ],
)
def test_weights_of_another_network_are_named(
    folder: Path, change: Callable[[dict], dict], said: str
) -> None:
    path = folder / "model.safetensors"
    numpy_files.save_file(change(numpy_files.load_file(path)), path)
    assert said in _load(folder)


def test_damaged_weights_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    assert "model.safetensors cannot be read" in _load(folder)
    path.unlink()
    message = _load(folder)
    assert "expected a file model.safetensors in the folder; there is none" in message


def test_small_images_are_enlarged_to_whole_patches() -> None:
    backbone = image_table.of(ImageModelConfig(backbone=str(REFERENCES / "dinov2")))
    assert image_recipe.image_size(20, backbone) is None
    config = vit_config.parse({**BASE, "patch_size": 14, "image_size": 224}, "x")
    large = vit_folder.VitFolder("x", Path(), config, "tf", 224)
    found = image_recipe.image_size(20, image_table._of_folder("x", large))
    assert found == 126


def test_the_licence_is_that_of_the_folder(folder: Path) -> None:
    config = TrainConfig(backbone=str(folder))
    assert weights_license.of_weights(config) is None
    assert f"come from {folder}: its terms apply" in weights_license.terms(config)[0]
