"""What `--recipe=auto` makes of images."""

import io

import pytest
from PIL import Image

from kft import tasks
from kft.backbones.image import image_table
from kft.config import TrainConfig
from kft.data.labels import LabelMap
from kft.tasks.image_classification import image_recipe

RESNET = image_table.get("ResNet50")


def _png(side: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (side, side + 7)).save(content, format="PNG")
    return content.getvalue()


def test_the_side_is_the_median_of_images_that_can_be_read() -> None:
    payloads = [_png(30), b"no image", _png(50), _png(400)]
    assert image_recipe.median_side(payloads) == 50
    assert image_recipe.median_side([b"no image"]) is None


def test_the_task_decides_by_the_images_it_is_shown() -> None:
    task = tasks.get(TrainConfig(), LabelMap(("a", "b")))
    small = task.recipe([_png(30)], ())
    assert small.description == "images of about 30 pixels"
    assert small.values == {"image_size": 128, "augment": "none", "cached_views": None}
    assert task.recipe([b"broken"], ()).description == "no image that can be read"


@pytest.mark.parametrize(
    ("given", "views"),
    [({}, 4), ({"augment": "none"}, None), ({"feature_cache": "off"}, None)],
)
def test_views_are_kept_of_what_is_mirrored_alone(given: dict, views: int) -> None:
    choice = image_recipe.choose(TrainConfig(**given), 240, given, backbone=RESNET)
    assert choice.values["cached_views"] == views


def test_all_that_is_decided_is_named_by_the_task() -> None:
    choice = image_recipe.choose(TrainConfig(), 240, (), backbone=RESNET)
    assert tuple(choice.values) == tasks.kind("image_classification").recipe_fields
