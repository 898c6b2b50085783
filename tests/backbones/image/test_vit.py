"""Vision transformers against what transformers computes (tools has the maker)."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kft.backbones.image import build_family, image_table, position_grid, vit_config
from kft.config import ImageModelConfig
from kft.model import split

pytest.importorskip("safetensors", reason="needs the extra text")

REFERENCES = Path(__file__).parent / "vit_references"
MODELS = ("vit", "deit", "dinov2", "dinov2_gated")
SIDE = 16


def _reference(name: str) -> dict[str, np.ndarray]:
    with np.load(REFERENCES / name / "features.npz") as file:
        return dict(file)


def _built(name: str, side: int = SIDE, weights: str = "imagenet") -> keras.Model:
    backbone = image_table.of(ImageModelConfig(backbone=str(REFERENCES / name)))
    images = keras.Input((side, side, 3), name="images")
    return keras.Model(images, build_family.build(backbone, images, weights))


def test_every_kind_has_a_reference() -> None:
    kinds = {
        image_table.of(ImageModelConfig(backbone=str(REFERENCES / name))).vit.config
        for name in MODELS
    }
    assert {one.family for one in kinds} == set(vit_config.FAMILIES)
    assert {one.is_gated for one in kinds} == {True, False}


@pytest.mark.parametrize("side", [SIDE, 28, 12])
@pytest.mark.parametrize("name", MODELS)
def test_the_graph_computes_what_transformers_does(name: str, side: int) -> None:
    reference = _reference(name)
    images, features = reference[f"images_{side}"], reference[f"features_{side}"]
    model = _built(name, side)
    found = model(images, training=False)
    np.testing.assert_allclose(found, features, atol=2e-5)
    assert np.abs(features).max() > 0.1
    # It could fail: another image is another vector.
    assert np.abs(model(images[::-1], training=False) - features).max() > 1e-2


@pytest.mark.parametrize("name", MODELS)
def test_trunk_and_tail_are_the_whole_at_every_cut(name: str) -> None:
    images = _reference(name)["images_16"].astype(np.float32)
    backbone = image_table.of(ImageModelConfig(backbone=str(REFERENCES / name)))
    model = _built(name)
    anchors = build_family.cut_anchors(backbone, model)
    assert tuple(anchors) == backbone.blocks.names == ("layer_1", "layer_2")
    assert len(set(anchors.values())) == len(anchors)
    for anchor in anchors.values():
        halves = split.split_at(model, anchor)
        (stored,) = split.FrozenTrunk(halves.trunk)(images)
        assert len(stored.shape) == 3
        np.testing.assert_array_equal(
            halves.tail([stored], training=False), model(images, training=False)
        )


@pytest.mark.parametrize("name", MODELS)
def test_its_parameters_are_counted_before_it_is_built(name: str) -> None:
    backbone = image_table.of(ImageModelConfig(backbone=str(REFERENCES / name)))
    assert backbone.parameters == _built(name, weights="none").count_params()


def test_without_weights_they_are_random() -> None:
    reference = _reference("vit")
    found = _built("vit", weights="none")(reference["images_16"], training=False)
    assert np.abs(found - reference["features_16"]).max() > 1e-2


def test_the_layers_are_flat_and_each_is_used_once() -> None:
    model = _built("dinov2_gated", weights="none")
    names = [layer.name for layer in model.layers]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert len(set(names)) == len(names) == len(model.operations)


def test_positions_stay_where_the_grid_does() -> None:
    positions = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    np.testing.assert_array_equal(position_grid.resized(positions, 3), positions)
    # Weights of the places sum to 1, so what is alike everywhere stays alike.
    flat = position_grid.resized(np.full([9, 4], 0.7), 5)
    np.testing.assert_allclose(flat, np.full([25, 4], 0.7))
    with pytest.raises(ValueError, match="square number of positions, received 8"):
        position_grid.resized(positions[:8], 3)
