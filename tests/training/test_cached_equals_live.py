"""Stored features of real networks give the weights that a live trunk gives."""

import dataclasses

import pytest

from kft.config import TrainConfig
from kft.training import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights

pytestmark = pytest.mark.slow


@pytest.fixture
def train(solid_colours, tmp_path):
    """Return a function from changes of the config to the weights and the stages."""
    config = TrainConfig(
        dataset=f"folder:{solid_colours(per_class=6, size=32)}",
        validation_fraction=0.3,
        weights="none",
        image_size=32,
        batch_size=4,
        export=(),
    )

    def run(name: str, **changes):
        changed = dataclasses.replace(config, run_dir=str(tmp_path / name), **changes)
        result = fine_tune.fine_tune(changed, reporter=SilentReporter())
        return kept_weights.read(result.run_dir), [
            stage.cached for stage in result.stages
        ]

    return run


@pytest.mark.parametrize("backbone", ["EfficientNetLite0", "MobileNetV3Small", "VGG16"])
def test_three_families_end_with_the_same_bits(train, backbone):
    plan = {"backbone": backbone, "stages": "head:2@0.1,top1:2@0.01"}
    cached, stages = train("cached", feature_cache="memory", **plan)
    live, live_stages = train("live", feature_cache="off", **plan)
    assert (stages, live_stages) == ([True, True], [False, False])
    kept_weights.assert_equal(cached, live)


def test_as_many_views_as_epochs_are_the_augmentation_of_the_live_run(train):
    plan = {"backbone": "EfficientNetLite0", "stages": "head:3@0.1", "augment": "flip"}
    live, live_stages = train("live", **plan)
    three, stages = train("three", feature_cache="memory", cached_views=3, **plan)
    assert (stages, live_stages) == ([True], [False])
    kept_weights.assert_equal(three, live)
    one, _ = train("one", feature_cache="memory", cached_views=1, **plan)
    assert any((one[name] != live[name]).any() for name in live)
