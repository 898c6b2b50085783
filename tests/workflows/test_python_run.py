"""Runs on what a Python program has in memory."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import kft
from kft import errors
from kft.training.monitoring.progress import SilentReporter
from kft.workflows import after_training
from tests.conftest import COLOURS


def _config(folder: Path, **changes: object) -> kft.TrainConfig:
    """Return the config of a small run of images in `folder`."""
    return kft.TrainConfig(
        **{
            "backbone": "EfficientNetLite0",
            "image_size": 64,
            "stages": "head:2@1e-1",
            "batch_size": 8,
            "run_dir": str(folder / "run"),
            "export": (),
            "report": False,
            **changes,
        }
    )


def test_arrays_are_trained_on_measured_and_answered(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [name for name in sorted(COLOURS) for _ in range(12)]
    noise = rng.normal(0, 20, [len(names), 40, 40, 3])
    colours = np.array([COLOURS[name] for name in names])[:, None, None]
    images = np.clip(colours + noise, 0, 255).astype(np.uint8)
    config = _config(tmp_path)
    result = kft.fine_tune(config, data=(images, names), reporter=SilentReporter())
    answers = result.model.predict(images[::12])
    found = [answer.content["predictions"][0]["label"] for answer in answers]
    assert found == sorted(COLOURS)
    measured = result.model.evaluate().figures.to_json()
    assert measured["accuracy"] == pytest.approx(result.validation["accuracy"])
    # Numbers are those of the classes of the run.
    other = result.model.evaluate((images[:3], [0, 0, 1])).figures.to_json()
    assert other["accuracy"] == pytest.approx(2 / 3)
    again = kft.fine_tune(config, data=(images, names), reporter=SilentReporter())
    assert again == result
    with pytest.raises(errors.RunDirError):
        kft.fine_tune(config, data=(images[1:], names[1:]), reporter=SilentReporter())


def test_arrays_may_be_of_several_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    switches = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 12)
    images = rng.integers(0, 40, [len(switches), 64, 64, 3], np.uint8)
    # The left half is bright, or the right half, both or none.
    images[:, :, :32] += (200 * switches[:, 0, None, None, None]).astype(np.uint8)
    images[:, :, 32:] += (200 * switches[:, 1, None, None, None]).astype(np.uint8)
    config = _config(tmp_path, multi_label=True, stages="head:4@1e-1")
    result = kft.fine_tune(
        config,
        data=(images, switches),
        class_names=["left", "right"],
        reporter=SilentReporter(),
    )
    assert result.model.labels == ("left", "right")
    assert result.validation["micro_f1"] > 0.7
    measured = result.model.evaluate((images[:8], switches[:8])).figures.to_json()
    named = [["left"] * row[0] + ["right"] * row[1] for row in switches[:8]]
    again = result.model.evaluate((images[:8], named)).figures.to_json()
    assert measured == again


def test_folds_are_made_of_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [24, 64, 64, 3], np.uint8)
    config = _config(
        tmp_path, stages="head:1@1e-2", folds=2, run_dir=str(tmp_path / "folds")
    )
    data = images, [0, 1] * 12
    found = kft.cross_validate(config, data=data, reporter=SilentReporter())
    assert [result.run_dir.name for result in found.results] == ["fold0", "fold1"]
    assert found.out_of_fold.examples == 24
    assert found.spread("val_accuracy").mean == found.out_of_fold.accuracy
    assert (tmp_path / "folds/out_of_fold.csv").is_file()
    demanding = dataclasses.replace(config, assert_accuracy_at_least=1.0)
    with pytest.raises(errors.AccuracyError):
        kft.cross_validate(demanding, data=data, reporter=SilentReporter())


@pytest.mark.parametrize("changes", [{}, {"folds": 3, "fold": 0}])
def test_all_folds_are_two_or_more(changes: dict[str, int]) -> None:
    with pytest.raises(errors.ConfigError, match="makes the runs of all folds"):
        kft.cross_validate(kft.TrainConfig(**changes), data=([], []))


def test_the_config_leaves_the_data_to_data() -> None:
    config = kft.TrainConfig(dataset="folder:photos")
    with pytest.raises(errors.ConfigError, match="data is given, and so is dataset="):
        kft.fine_tune(config, data=([], []))
    with pytest.raises(errors.ConfigError, match="class_names: expected together"):
        kft.fine_tune(config, class_names=["a", "b"])


def test_arrays_and_networks_of_the_documentation_are_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "python.md"
    _, *codes = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    # Of an export and a report other tests know.
    monkeypatch.setattr(after_training, "complete", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = []
    for code in codes:
        exec(compile(code, str(page), "exec"), names)
        printed.append(capsys.readouterr().out.splitlines())
    *_, label, accuracy = printed[0]
    assert label in ("day", "night")
    assert 0 <= float(accuracy) <= 1
    assert printed[1][-1].split()[0] == "top1"
    for name in ("days", "own_network"):
        assert (tmp_path / "runs" / name / "result.json").is_file()
