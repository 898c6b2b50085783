"""A run whose data or folder was moved goes on as itself."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import errors, tasks
from kft.config import TrainConfig
from kft.run_folder import run_dir
from kft.training import fine_tune, preflight
from kft.training.monitoring.progress import SilentReporter
from tests.training import test_fine_tune


@pytest.mark.slow
def test_an_unfinished_run_goes_on_with_its_examples_wherever_they_lie(
    solid_colours: Callable[..., Path], tmp_path: Path, monkeypatch
) -> None:
    solid_colours(per_class=8)
    monkeypatch.chdir(tmp_path)
    config = TrainConfig(
        dataset="folder:colours",
        backbone="EfficientNetLite0",
        image_size=64,
        stages="head:2@1e-2",
        run_dir=str(tmp_path / "run"),
    )

    def go_on(**changes) -> fine_tune.RunResult:
        return fine_tune.fine_tune(
            dataclasses.replace(config, **changes), reporter=SilentReporter()
        )

    with monkeypatch.context() as patch:
        test_fine_tune.stop_after_save(patch, 0)
        with pytest.raises(errors.Interrupted):
            go_on()
    shutil.copytree("colours", "fewer")
    next(Path("fewer").rglob("*.jpg")).unlink()
    with pytest.raises(errors.DataError, match="1 removed"):
        go_on(dataset="folder:fewer")
    assert run_dir.read_config(run_dir.at("run")).dataset == "folder:colours"
    (tmp_path / "elsewhere").mkdir()
    shutil.move("colours", "elsewhere/moved")
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(errors.ConfigError, match="there is no folder"):
        go_on()
    assert go_on(dataset="folder:moved").stages
    kept = run_dir.read_config(run_dir.at(str(tmp_path / "run")))
    assert kept.dataset == "folder:moved"
    # A finished run needs no data.
    shutil.rmtree("moved")
    assert go_on(dataset="folder:moved").stages


def test_the_place_is_looked_for_where_the_run_was_started(
    tmp_path: Path, monkeypatch
) -> None:
    config = TrainConfig(dataset="folder:data", run_dir=str(tmp_path / "run"))
    run, _ = _claimed(config)
    run.write_json(
        run.environment_json,
        {"working_directory": str(tmp_path), "run_folder": str(run.path)},
    )
    there: list[str] = []

    def check(asked: TrainConfig) -> None:
        if asked.dataset not in there:
            raise errors.ConfigError(asked.dataset)

    monkeypatch.setattr(tasks, "check_dataset", check)
    assert preflight.with_data_found(config) == config
    there.append(f"folder:{tmp_path / 'data'}")
    assert preflight.with_data_found(config).dataset == there[0]
    # The path as it is written comes first, and one that was given is not changed.
    there.append("folder:data")
    assert preflight.with_data_found(config) == config
    given = dataclasses.replace(config, dataset="folder:other")
    assert preflight.with_data_found(given) == given


def _claimed(config: TrainConfig):
    with run_dir.claim(config) as claimed:
        return claimed
