"""Runs that share a --cache_dir take each other's features while they are right."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from kft.config import TrainConfig
from kft.training import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights

pytestmark = pytest.mark.slow

Train = Callable[..., dict]


@pytest.fixture
def images(solid_colours: Callable[..., Path]) -> Path:
    """Return a folder of images whose names and sizes say nothing of their colours."""
    folder = solid_colours(per_class=6, size=32)
    for path in sorted(folder.rglob("*.jpg")) + sorted(folder.rglob("*.png")):
        Image.open(path).convert("RGB").save(path.with_suffix(".bmp"))
        path.unlink()
    return folder


@pytest.fixture
def train(images: Path, tmp_path: Path) -> Train:
    """Return a function from a name and changes of the config to the weights."""
    config = TrainConfig(
        dataset=f"folder:{images}",
        validation_fraction=0.3,
        backbone="EfficientNetLite0",
        weights="none",
        image_size=32,
        batch_size=4,
        stages="head:2@0.1",
        cache_dir=str(tmp_path / "cache"),
        export=(),
    )

    def run(name: str, **changes: object) -> dict:
        changed = dataclasses.replace(config, run_dir=str(tmp_path / name), **changes)
        return kept_weights.read(
            fine_tune.fine_tune(changed, reporter=SilentReporter()).run_dir
        )

    return run


def _stores(tmp_path: Path) -> dict[str, int]:
    """Return the inode of each store, which another store has not."""
    return {path.name: path.stat().st_ino for path in (tmp_path / "cache").iterdir()}


def test_features_of_images_that_were_changed_in_place_are_made_again(
    train: Train, images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = train("first")
    stored = _stores(tmp_path)
    kept_weights.assert_equal(train("again"), first)
    assert _stores(tmp_path) == stored
    assert "made again" not in caplog.text
    sizes = {path: path.stat().st_size for path in images.rglob("*.bmp")}
    for path in sizes:
        Image.effect_noise((32, 32), 80).convert("RGB").save(path)
    assert sizes == {path: path.stat().st_size for path in images.rglob("*.bmp")}
    with caplog.at_level("WARNING", logger="absl"):
        changed = train("changed")
    assert "are of examples that have changed since: they are made again" in caplog.text
    live = train("live", feature_cache="off", cache_dir=None)
    kept_weights.assert_equal(changed, live)
    assert any((changed[name] != first[name]).any() for name in first)
    assert _stores(tmp_path).keys() == stored.keys()


def test_damaged_features_are_made_again(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = train("first")
    (array,) = (tmp_path / "cache").glob("*/train-0.npy")
    content = bytearray(array.read_bytes())
    content[-2] ^= 255
    array.write_bytes(content)
    with caplog.at_level("WARNING", logger="absl"):
        kept_weights.assert_equal(train("second"), first)
    assert "train-0.npy is not what was written" in caplog.text
    caplog.clear()
    kept_weights.assert_equal(train("third"), first)
    assert "made again" not in caplog.text
