"""Runs on a vision transformer of a folder, from training to answers."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import kft
from kft import errors, tasks
from kft.config import TrainConfig
from kft.data.labels import LabelMap
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, task_runs
from tests.backbones.image.test_vit import REFERENCES
from tests.conftest import COLOURS

pytest.importorskip("safetensors", reason="needs the extra text")
pytestmark = pytest.mark.slow


def _config(folder: Path, images: Path, **changes: object) -> TrainConfig:
    return TrainConfig(
        **{
            "dataset": f"folder:{images}",
            "backbone": str(folder / "vit-tiny"),
            "stages": "head:2@1e-1,top1:2@1e-2,all:1@1e-3",
            "batch_size": 16,
            "run_dir": str(folder / "run"),
            "export": (),
            "report": False,
            **changes,
        }
    )


@pytest.fixture
def images(tmp_path: Path, solid_colours) -> Path:
    shutil.copytree(REFERENCES / "dinov2", tmp_path / "vit-tiny")
    return solid_colours(per_class=12, size=40)


def test_it_is_trained_and_the_folder_need_not_be_there_afterwards(
    tmp_path: Path, images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = _config(tmp_path, images, image_size=28, export=("litert", "onnx"))
    # An export is kept only where it answers like the network.
    result = kft.fine_tune(config, reporter=SilentReporter())
    assert set(result.exports) == {"litert", "onnx"}
    assert "did not move" not in caplog.text
    before = kft.load(result.run_dir).evaluate().figures.to_json()
    shutil.rmtree(tmp_path / "vit-tiny")
    moved = tmp_path / "moved"
    shutil.move(result.run_dir, moved)
    model = kft.load(moved)
    found = model.evaluate(f"folder:{images}").figures.to_json()
    assert found["examples"] >= before["examples"]
    square = np.full([40, 40, 3], COLOURS["cyan"], np.uint8)
    assert model.predict([square])[0].content["predictions"][0]["label"] in COLOURS
    assert model.embed([square]).shape == (1, 32)


def test_stored_features_give_the_weights_of_the_live_trunk(
    tmp_path: Path, images: Path
) -> None:
    folders = {mode: tmp_path / mode for mode in ("off", "memory")}
    for mode, folder in folders.items():
        config = _config(
            tmp_path,
            images,
            run_dir=str(folder),
            feature_cache=mode,
            stages="head:2@1e-1",
        )
        fine_tune(config, reporter=SilentReporter())
    # The last bit of attention may depend on the place in a batch.
    kept_weights.assert_close(*folders.values(), atol=1e-5)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path, images: Path) -> None:
    whole = fine_tune(_config(tmp_path, images), reporter=SilentReporter())
    config = _config(tmp_path, images, run_dir=str(tmp_path / "killed"))
    task_runs.assert_goes_on(config, Path(whole.run_dir))


def test_features_are_stored_for_the_network_that_gives_them(
    tmp_path: Path, images: Path
) -> None:
    def key(**changes: object) -> object:
        config = _config(tmp_path, images, **changes)
        return tasks.get(config, LabelMap(("a", "b"))).inputs.cache_key()

    before = key()
    assert before == key() != key(scaling="tf")
    # Only heads differ, so that the weights have the same shapes.
    path = tmp_path / "vit-tiny/config.json"
    path.write_text(path.read_text().replace('_heads": 4', '_heads": 2'))
    assert key() != before


def test_a_vector_is_not_pooled(tmp_path: Path, images: Path) -> None:
    config = _config(tmp_path, images, pooling="max")
    with pytest.raises(errors.ConfigError, match="--pooling=max: the network gives a"):
        fine_tune(config, reporter=SilentReporter())
