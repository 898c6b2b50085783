"""Runs on networks of the user's own, from training to answers."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import kft
from kft import errors, tasks
from kft.backbones.image import own_network
from kft.config import TextClassificationConfig, TrainConfig
from kft.data.labels import LabelMap
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, own_networks, task_runs
from tests.conftest import COLOURS
from tests.training.test_fine_tune import run_until

pytestmark = pytest.mark.slow


def _config(folder: Path, images: Path, **changes: object) -> TrainConfig:
    return TrainConfig(
        **{
            "dataset": f"folder:{images}",
            "backbone": str(folder / "mine.keras"),
            "scaling": "unit",
            "stages": "head:2@1e-1,top1:2@1e-2,all:1@1e-3",
            "batch_size": 16,
            "run_dir": str(folder / "run"),
            "export": (),
            "report": False,
            **changes,
        }
    )


@pytest.fixture
def images(solid_colours) -> Path:
    return solid_colours(per_class=12, size=40)


def test_a_file_is_trained_on_and_need_not_be_there_afterwards(
    tmp_path: Path, images: Path
) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")
    config = _config(tmp_path, images)
    result = fine_tune(config, reporter=SilentReporter())
    assert result.val_accuracy > 0.5
    before = kft.load(result.run_dir).evaluate().figures.to_json()
    (tmp_path / "mine.keras").unlink()
    moved = tmp_path / "moved"
    shutil.move(result.run_dir, moved)
    model = kft.load(moved)
    found = model.evaluate(f"folder:{images}").figures.to_json()
    assert found["examples"] >= before["examples"]
    square = np.full([40, 40, 3], COLOURS["cyan"], np.uint8)
    assert model.predict([square])[0].content["predictions"][0]["label"] in COLOURS
    # The run is finished, and says so again without the file.
    shutil.move(moved, result.run_dir)
    assert fine_tune(config, reporter=SilentReporter()) == result


def test_stored_features_give_the_weights_of_the_live_trunk(
    tmp_path: Path, images: Path
) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")
    kept = [
        kept_weights.read(
            Path(
                fine_tune(
                    _config(
                        tmp_path,
                        images,
                        run_dir=str(tmp_path / mode),
                        feature_cache=mode,
                    ),
                    reporter=SilentReporter(),
                ).run_dir
            )
        )
        for mode in ("off", "memory")
    ]
    kept_weights.assert_equal(*kept)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path, images: Path) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")
    whole = fine_tune(_config(tmp_path, images), reporter=SilentReporter())
    config = _config(tmp_path, images, run_dir=str(tmp_path / "killed"))
    task_runs.assert_goes_on(config, Path(whole.run_dir))


def test_a_run_does_not_go_on_with_another_file(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")
    config = _config(tmp_path, images, stages="head:1@1e-1")
    run_until(monkeypatch, 0, lambda: fine_tune(config, reporter=SilentReporter()))
    own_networks.residual(seed=4).save(tmp_path / "mine.keras")
    with pytest.raises(errors.ConfigError, match="the file is not the one that the"):
        fine_tune(config, reporter=SilentReporter())


def test_a_model_of_the_program_is_trained_on_and_kept(
    tmp_path: Path, images: Path
) -> None:
    network = own_networks.residual()
    weights = network.get_weights()
    config = TrainConfig(
        dataset=f"folder:{images}",
        scaling="unit",
        stages="head:1@1e-1,upper:1@1e-2",
        run_dir=str(tmp_path / "run"),
        export=("onnx",),
        report=False,
    )
    result = kft.fine_tune(
        config,
        network=network,
        blocks={"upper": "b_out"},
        reporter=SilentReporter(),
    )
    assert list(result.exports) == ["onnx"]
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    own_network._GIVEN.clear()
    model = kft.load(result.run_dir)
    found = model.evaluate().figures.to_json()["accuracy"]
    assert found == pytest.approx(result.validation["accuracy"])
    again = own_networks.residual()
    assert result == kft.fine_tune(
        config, network=again, blocks={"upper": "b_out"}, reporter=SilentReporter()
    )
    with pytest.raises(errors.RunDirError, match="another config"):
        kft.fine_tune(
            config,
            network=own_networks.residual(seed=4),
            blocks={"upper": "b_out"},
            reporter=SilentReporter(),
        )


def test_a_vector_is_read_as_it_is_and_explained(tmp_path: Path, images: Path) -> None:
    full = own_networks.residual(top=True)
    network = keras.Model(full.input, full.get_layer("pool").output)
    config = _config(tmp_path, images, backbone="ResNet50", stages="head:1@1e-1")
    result = kft.fine_tune(config, network=network, reporter=SilentReporter())
    assert result.model.keras.get_layer("logits").input.shape == (None, 8)
    square = np.full([40, 40, 3], COLOURS["cyan"], np.uint8)
    assert result.model.explain(square) is not None
    with pytest.raises(errors.ConfigError, match="--pooling=max: the network gives a"):
        kft.fine_tune(
            _config(
                tmp_path,
                images,
                backbone="ResNet50",
                pooling="max",
                run_dir=str(tmp_path / "max"),
            ),
            network=network,
            reporter=SilentReporter(),
        )


def test_features_are_stored_for_the_network_that_gives_them(tmp_path: Path) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")

    def key(scaling: str) -> object:
        config = _config(tmp_path, tmp_path, scaling=scaling)
        return tasks.get(config, LabelMap(("a", "b"))).inputs.cache_key()

    assert key("unit") == key("unit") != key("tf")
    before = key("unit")
    own_networks.residual(seed=4).save(tmp_path / "mine.keras")
    assert key("unit") != before


def test_stages_of_blocks_need_blocks(tmp_path: Path, images: Path) -> None:
    pixels = keras.Input((32, 32, 3))
    plain = keras.Model(pixels, keras.layers.Conv2D(4, 3, name="conv")(pixels))
    plain.save(tmp_path / "mine.keras")
    with pytest.raises(errors.ConfigError) as caught:
        fine_tune(_config(tmp_path, images), reporter=SilentReporter())
    assert "Possible values: head, all." in str(caught.value)


def test_only_tasks_of_images_take_a_network() -> None:
    config = kft.TrainConfig()
    with pytest.raises(errors.ConfigError, match="blocks: expected together with"):
        kft.fine_tune(config, blocks={"a": "b"})
    network = own_networks.residual()
    with pytest.raises(errors.ConfigError, match="task=text_classification takes none"):
        kft.fine_tune(TextClassificationConfig(), network=network)
    config = kft.TrainConfig(scaling="unit", stages="head:1", batch_size="auto")
    with pytest.raises(errors.ConfigError, match="have what was given as network="):
        kft.fine_tune(config, network=network)
    other = kft.TrainConfig(backbone="VGG16")
    with pytest.raises(errors.ConfigError, match="network is given, and so is backb"):
        kft.fine_tune(other, network=network)
