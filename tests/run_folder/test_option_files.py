"""Files that options name: what they hold counts, not where they lie."""

import dataclasses
from pathlib import Path

import pytest

from kft import errors
from kft.config import (
    RunConfig,
    SpeechRecognitionConfig,
    TextClassificationConfig,
    TrainConfig,
)
from kft.run_folder import data_place, option_files, run_dir
from kft.run_folder.run_dir import RunDir


def _started(config: RunConfig, working_directory: Path) -> RunDir:
    """Return the folder of a run that has begun, in that directory."""
    with run_dir.claim(config) as (run, _):
        facts = {
            **option_files.describe(config),
            "working_directory": str(working_directory),
            "run_folder": str(run.path),
        }
        run.write_json(run.environment_json, facts)
        return run


def _configs(folder: Path, run: Path) -> dict[str, RunConfig]:
    """Return for each option a run that takes its file from a folder."""
    (folder / "network").mkdir(parents=True)
    (folder / "network/config.json").write_text("{}")
    (folder / "network/model.safetensors").write_bytes(bytes(range(200)))
    for name in ("my.weights.h5", "words.txt"):
        (folder / name).write_text("content")
    (folder / "teacher").mkdir()
    for name in ("best.weights.h5", "config.json", "labels.txt", "report.html"):
        (folder / "teacher" / name).write_text("content")
    place = {"run_dir": str(run)}
    return {
        "weights": TrainConfig(weights=str(folder / "my.weights.h5"), **place),
        "backbone": TextClassificationConfig(backbone=str(folder / "network"), **place),
        "word_list": SpeechRecognitionConfig(
            word_list=str(folder / "words.txt"), **place
        ),
        "teacher": TrainConfig(teacher=str(folder / "teacher"), **place),
    }


def _file(path: str) -> Path:
    found = Path(path)
    names = ("model.safetensors", "best.weights.h5")
    return next((found / one for one in names if (found / one).is_file()), found)


def test_of_a_run_it_counts_what_its_answers_follow_from(tmp_path: Path) -> None:
    config = _configs(tmp_path, tmp_path / "run")["teacher"]
    kept, folder = option_files.describe(config), tmp_path / "teacher"
    (folder / "report.html").write_text("another")
    assert option_files.describe(config) == kept
    (folder / "backbone").mkdir()
    (folder / "backbone" / "vocab.txt").write_text("word")
    assert option_files.describe(config) != kept


@pytest.mark.parametrize("status", ["unfinished", "finished"])
@pytest.mark.parametrize("name", option_files.NAMES)
def test_a_run_goes_on_where_a_file_of_its_flags_lies_elsewhere(
    tmp_path: Path, name: str, status: str
) -> None:
    config = _configs(tmp_path / "before", tmp_path / "run")[name]
    run = _started(config, tmp_path)
    run.write_json(run.result_json, {"status": status})
    (tmp_path / "before").rename(tmp_path / "after")
    elsewhere = getattr(config, name).replace("before", "after")
    moved = dataclasses.replace(config, **{name: elsewhere})
    assert run_dir.find(moved) == (run, status)
    with run_dir.claim(moved):
        # A finished run is not written.
        kept = config if status == "finished" else moved
        assert run_dir.read_config(run) == kept
    spelled = elsewhere.replace("/after/", "/./after/")
    assert run_dir.find(dataclasses.replace(moved, **{name: spelled}))
    (tmp_path / "after").rename(tmp_path / "other")
    with _file(elsewhere.replace("after", "other")).open("ab") as file:
        file.write(b"!")
    other = {name: elsewhere.replace("after", "other")}
    with pytest.raises(errors.RunDirError, match=f"--{name}: .* -> .*/other/"):
        run_dir.find(dataclasses.replace(moved, **other))


def test_a_word_is_no_file_and_a_run_of_before_compares_paths(tmp_path: Path) -> None:
    config = _configs(tmp_path / "before", tmp_path / "run")["weights"]
    run = _started(dataclasses.replace(config, weights="imagenet"), tmp_path)
    assert option_files.recorded(run.environment_json) == {}
    with pytest.raises(errors.RunDirError, match="--weights: imagenet -> "):
        run_dir.find(config)
    run.environment_json.write_text('{"option_files": 3}')
    assert option_files.recorded(run.environment_json) == {}


def test_a_file_is_looked_for_where_the_run_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _configs(tmp_path / "work", tmp_path / "work/run")["weights"]
    config = dataclasses.replace(config, weights="my.weights.h5", dataset="digits")
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "work")
        _started(config, tmp_path / "work")
        assert data_place.located(config) == config
    there = str(tmp_path / "work/my.weights.h5")
    assert data_place.located(config).weights == there
    # Run and file moved together.
    (tmp_path / "work").rename(tmp_path / "moved")
    config = dataclasses.replace(config, run_dir=str(tmp_path / "moved/run"))
    assert data_place.located(config).weights == str(tmp_path / "moved/my.weights.h5")
    given = dataclasses.replace(config, weights="other.weights.h5")
    assert data_place.located(given) == given


def test_what_has_changed_in_its_place_is_known(tmp_path: Path) -> None:
    config = _configs(tmp_path / "work", tmp_path / "run")["word_list"]
    run = _started(config, tmp_path)
    assert option_files.changed(run.environment_json, config) == []
    (tmp_path / "work/words.txt").write_text("others")
    assert option_files.changed(run.environment_json, config) == ["word_list"]
    # The run has kept what it needs of a file that is gone.
    (tmp_path / "work/words.txt").unlink()
    assert option_files.changed(run.environment_json, config) == []
