"""A run whose data or folder was moved goes on as itself."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import errors, tasks
from kft.config import SpeechRecognitionConfig, TrainConfig
from kft.run_folder import option_files, run_dir, split_csv
from kft.training import fine_tune, preflight, provenance
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


def _speech(folder: Path, symbols: str) -> SpeechRecognitionConfig:
    """Return a run with two sounds and an alphabet, in files there."""
    folder.mkdir(exist_ok=True)
    for name in "ab":
        (folder / f"{name}.wav").write_bytes(b"RIFF")
    table = "path,text,split\na.wav,ab,train\nb.wav,ba,train\n"
    (folder / "said.csv").write_text(table)
    (folder / "letters.txt").write_text("".join(f"{sign}\n" for sign in symbols))
    (folder / "words.txt").write_text("ab ba")
    return SpeechRecognitionConfig(
        dataset=f"csv:{folder / 'said.csv'}",
        validation_fraction=0.0,
        alphabet=str(folder / "letters.txt"),
        word_list=str(folder / "words.txt"),
        run_dir=str(folder.parent / "run"),
    )


def test_other_labels_are_named_and_so_is_their_file(tmp_path: Path, caplog) -> None:
    config = _speech(tmp_path / "before", "abc")
    run, _ = _claimed(config)
    splits = tasks.load_splits(config)
    run.write_text(run.labels_txt, splits.labels.text())
    run.write_text(run.split_csv, split_csv.text(splits))
    facts = {"data_fingerprint": splits.fingerprint, **option_files.describe(config)}
    run.write_json(run.environment_json, facts)
    moved = _speech(tmp_path / "after", "abc")
    provenance.check(run, moved, tasks.load_splits(moved), devices=None)
    assert "--word_list" not in caplog.text
    (tmp_path / "after/words.txt").write_text("ab")
    with caplog.at_level("WARNING", logger="absl"):
        provenance.check(run, moved, tasks.load_splits(moved), devices=None)
    assert f"--word_list={moved.word_list} has changed since the run" in caplog.text
    other = _speech(tmp_path / "other", "abd")
    said = rf"other labels of --alphabet={other.alphabet} \(with 'd', without 'c'\)"
    with pytest.raises(errors.DataError, match=said):
        provenance.check(run, other, tasks.load_splits(other), devices=None)
