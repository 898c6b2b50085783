"""The folder of a run."""

import dataclasses
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import config, errors, tasks
from kft.cli import flags
from kft.config import TrainConfig
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir
from tests import configs
from tests.conftest import REPOSITORY
from tests.tasks import rising_steps
from tests.tasks.rising_steps import RisingConfig


@pytest.fixture
def settings(tmp_path: Path) -> TrainConfig:
    return TrainConfig(run_dir=str(tmp_path / "run"), batch_size=16)


def _made(settings: TrainConfig) -> RunDir:
    with run_dir.claim(settings) as (run, _):
        return run


def _status(settings: TrainConfig) -> str:
    with run_dir.claim(settings) as (_, status):
        return status


def _refusal(settings: TrainConfig) -> str:
    with pytest.raises(errors.RunDirError) as caught, run_dir.claim(settings):
        pass
    return str(caught.value)


def _content(run: RunDir) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}


def test_a_new_folder_keeps_the_config_twice(settings: TrainConfig) -> None:
    with run_dir.claim(settings) as (run, status):
        assert status == "new"
    assert run.path == Path(settings.run_dir)
    assert run_dir.read_config(run) == settings
    assert flags.parse(TrainConfig, [f"--flagfile={run.flags_cfg}"]).config == settings


def test_the_same_config_continues_an_unfinished_run(settings: TrainConfig) -> None:
    assert [_status(settings) for _ in range(3)] == ["new", "unfinished", "unfinished"]


def test_a_result_that_is_not_finished_is_an_unfinished_run(
    settings: TrainConfig,
) -> None:
    run = _made(settings)
    run.write_json(run.result_json, {"status": "stopped"})
    assert _status(settings) == "unfinished"


def test_a_finished_run_is_left_as_it_is(settings: TrainConfig) -> None:
    run = _made(settings)
    run.write_json(run.result_json, {"status": "finished"})
    before = _content(run)
    other_spelling = f"{run.path.parent}/./run"
    again = dataclasses.replace(
        settings, run_dir=other_spelling, checkpoint_minutes=1.0
    )
    assert _status(again) == "finished"
    assert _content(run) == before


def test_preparing_a_finished_run_changes_nothing(settings: TrainConfig) -> None:
    run = _made(settings)
    run.write_json(run.result_json, {"status": "finished"})
    before = _content(run)
    again = dataclasses.replace(settings, checkpoint_minutes=1.0)
    assert run_dir.prepare(again) == (run, "finished")
    assert _content(run) == before


def test_a_finished_run_is_not_locked(settings: TrainConfig) -> None:
    run = _made(settings)
    run.write_json(run.result_json, {"status": "finished"})
    with run_dir.claim(settings), run_dir.claim(settings) as (_, status):
        assert status == "finished"


@pytest.mark.parametrize("result", [None, {"status": "finished"}])
def test_another_config_is_refused_with_the_difference(
    settings: TrainConfig, result: dict[str, str] | None
) -> None:
    run = _made(settings)
    if result:
        run.write_json(run.result_json, result)
    before = _content(run)
    other = dataclasses.replace(settings, batch_size=8, clip_norm=1.0, export=())
    lines = _refusal(other).split("\n")
    status = "finished" if result else "unfinished"
    assert (
        lines[0] == f"{run.path} holds the {status} run of another config (old -> new):"
    )
    assert set(lines[1:-1]) == {
        "  --batch_size: 16 -> 8",
        "  --clip_norm: none -> 1.0",
        "  --export: saved_model -> (empty)",
    }
    assert lines[-1].endswith(f"--flagfile={run.flags_cfg} --run_dir={run.path}")
    assert _content(run) == before


@pytest.mark.parametrize("result", [None, {"status": "finished"}])
def test_only_an_unfinished_run_may_be_told_another_place_of_its_data(
    settings: TrainConfig, result: dict[str, str] | None
) -> None:
    run = _made(settings)
    moved = dataclasses.replace(settings, dataset="folder:elsewhere")
    if result:
        run.write_json(run.result_json, result)
        assert "-> folder:elsewhere" in _refusal(moved)
        return
    assert _status(moved) == "unfinished"
    # Nobody has compared the examples yet.
    assert run_dir.read_config(run) == settings


def test_an_alphabet_may_lie_elsewhere_as_the_examples_may(tmp_path: Path) -> None:
    settings = config.SpeechRecognitionConfig(
        run_dir=str(tmp_path / "run"), dataset="csv:said.csv", alphabet="letters.txt"
    )
    run = _made(settings)
    moved = dataclasses.replace(settings, alphabet="elsewhere/letters.txt")
    assert _status(moved) == "unfinished"
    # Labels are compared with the examples, later.
    assert run_dir.read_config(run) == settings


def test_what_computes_nothing_may_change_and_is_kept_anew(
    settings: TrainConfig,
) -> None:
    run = _made(settings)
    again = dataclasses.replace(settings, checkpoint_minutes=1.0, cache_dir="other")
    assert _status(again) == "unfinished"
    assert run_dir.read_config(run) == again
    assert "--checkpoint_minutes=1.0\n" in run.flags_cfg.read_text()


def test_a_folder_that_was_moved_goes_on_under_its_new_name(
    settings: TrainConfig, tmp_path: Path
) -> None:
    run = _made(settings)
    run.path.rename(tmp_path / "moved")
    moved = dataclasses.replace(settings, run_dir=str(tmp_path / "moved"))
    assert _status(moved) == "unfinished"
    assert run_dir.read_config(RunDir(tmp_path / "moved")) == moved


def test_a_folder_of_other_things_is_refused_and_not_touched(
    settings: TrainConfig,
) -> None:
    folder = Path(settings.run_dir)
    folder.mkdir()
    (folder / "thesis.tex").touch()
    assert "is no run folder of kft" in _refusal(settings)
    assert [p.name for p in folder.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_and_one_of_a_start_that_was_killed_are_new(
    settings: TrainConfig,
) -> None:
    folder = Path(settings.run_dir)
    folder.mkdir()
    (folder / ".lock").write_text("{}")
    (folder / ".tmp-0123-config.json").touch()
    assert _status(settings) == "new"
    assert not (folder / ".tmp-0123-config.json").exists()


def test_a_file_in_place_of_the_folder_is_refused(settings: TrainConfig) -> None:
    Path(settings.run_dir).touch()
    assert "a file stands where a folder is expected" in _refusal(settings)


def test_a_second_process_is_refused(settings: TrainConfig) -> None:
    code = (
        "import sys\n"
        "from kft import errors\nfrom kft.run_folder import run_dir\n"
        "from kft.config import TrainConfig\n"
        "try:\n"
        "    with run_dir.claim(TrainConfig(run_dir=sys.argv[1], batch_size=16)):\n"
        "        print('claimed')\n"
        "except errors.RunDirError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", code, settings.run_dir]
    with run_dir.claim(settings):
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert "is in use by process" in done.stdout
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout == "claimed\n"


def test_a_second_start_with_another_config_does_not_change_the_first(
    settings: TrainConfig,
) -> None:
    with run_dir.claim(settings) as (run, _):
        before = run.config_json.read_bytes()
        assert "another config" in _refusal(dataclasses.replace(settings, batch_size=8))
        assert run.config_json.read_bytes() == before


@pytest.mark.parametrize(
    ("dataset", "backbone", "expected"),
    [
        ("digits", "ResNet50", "digits-ResNet50"),
        ("tfds:tf_flowers", "MobileNetV2", "tfds-tf_flowers-MobileNetV2"),
        ("folder:/data/my photos/", "VGG16", "folder-data-my-photos-VGG16"),
        ("folder:../..", "VGG16", "folder-VGG16"),
        ("...", "/", "run"),
        ("folder:Vögel", "VGG16", "folder-Vögel-VGG16"),
    ],
)
def test_the_default_folder_is_named_after_data_and_backbone(
    dataset: str, backbone: str, expected: str
) -> None:
    settings = TrainConfig(dataset=dataset, backbone=backbone)
    assert run_dir.of(settings).path == Path("runs", expected)


@hypothesis.given(configs.configs())
def test_the_default_folder_is_one_level_below_runs(made: TrainConfig) -> None:
    path = run_dir.of(dataclasses.replace(made, run_dir=None)).path
    assert path.parts[0] == "runs"
    assert len(path.parts) == 2
    assert path.name not in (".", "..")
    assert len(path.name.encode()) <= 255


def test_the_default_folder_is_kept_in_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = _made(TrainConfig())
    assert run_dir.read_config(run).run_dir == "runs/digits-ResNet50"
    assert _status(TrainConfig(run_dir="runs/digits-ResNet50/")) == "unfinished"


def test_a_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run_dir.at("~/run").path == tmp_path / "run"


@pytest.mark.parametrize("name", ["~nobody-has-this-name/run", "x" * 3000])
def test_a_name_that_no_folder_can_have_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = TrainConfig(run_dir=name)
    if name.startswith("~"):
        assert _made(settings).path == Path(name)
    else:
        assert "File name too long" in _refusal(settings)


# What is written.


def test_sub_folders_are_made_but_not_the_run_folder(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    with pytest.raises(errors.RunDirError, match="the folder is gone"):
        run.write_text(run.checkpoints / "a.txt", "a")
    assert not run.path.exists()
    run.path.mkdir()
    run.write_text(run.checkpoints / "deep" / "a.txt", "ä\n")
    assert (run.checkpoints / "deep" / "a.txt").read_text("utf-8") == "ä\n"


def test_json_is_strict(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_json(run.result_json, {"b": 1, "a": [None, "ä"]})
    text = '{\n  "b": 1,\n  "a": [\n    null,\n    "ä"\n  ]\n}\n'
    assert run.result_json.read_text("utf-8") == text
    with pytest.raises(ValueError, match="JSON"):
        run.write_json(run.result_json, {"b": float("nan")})
    assert run.result_json.read_text("utf-8") == text


# What is read: folders are copied, cut off and edited.


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'"text"'],
)
@pytest.mark.parametrize("name", ["config.json", "result.json"])
def test_a_damaged_file_is_named_with_what_to_do(
    settings: TrainConfig, name: str, content: bytes
) -> None:
    run = _made(settings)
    (run.path / name).write_bytes(content)
    message = _refusal(settings)
    assert message.startswith(f"{run.path / name} is damaged: ")
    assert ("flags.cfg" if name == "config.json" else "remove it and") in message


def test_a_missing_flagfile_is_written_again(settings: TrainConfig) -> None:
    run = _made(settings)
    run.flags_cfg.unlink()
    assert _status(settings) == "unfinished"
    assert run.flags_cfg.exists()


def test_a_folder_without_its_config_is_refused(settings: TrainConfig) -> None:
    run = _made(settings)
    run.config_json.unlink()
    assert "has no config.json" in _refusal(settings)
    with pytest.raises(errors.RunDirError, match="it has no config.json"):
        run_dir.read_config(run)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.RunDirError, match="There is no run folder .*nowhere"):
        run_dir.read_config(RunDir(tmp_path / "nowhere"))


def test_a_file_in_place_of_a_run_folder_is_named(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("a page")
    with pytest.raises(errors.RunDirError, match=r"report\.html is a file"):
        run_dir.finished(str(page))


def test_an_unknown_field_is_named(settings: TrainConfig) -> None:
    run = _made(settings)
    values = {**config.to_dict(settings), "flux": 1}
    run.write_json(run.config_json, values)
    assert "does not know: flux." in _refusal(settings)


def test_a_field_that_is_newer_than_the_run_gets_its_default_with_a_warning(
    settings: TrainConfig, caplog: pytest.LogCaptureFixture
) -> None:
    run = _made(settings)
    values = config.to_dict(settings)
    del values["dropout"]
    run.write_json(run.config_json, values)
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert run_dir.read_config(run) == settings
        run_dir.read_config(run)
    assert caplog.text.count("config.json has no dropout: the default is used.") == 1


@hypothesis.given(st.sampled_from(sorted(configs.HINTS)), configs.JSON_VALUES)
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_an_edited_config_is_a_config_or_a_named_error(
    tmp_path: Path, name: str, value: Any
) -> None:
    run = RunDir(tmp_path)
    values = {**config.to_dict(TrainConfig()), name: value}
    run.config_json.write_text(json.dumps(values))
    try:
        run_dir.read_config(run)
    except errors.RunDirError as error:
        assert str(run.config_json) in str(error)
        assert name in str(error)


@hypothesis.given(st.data())
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_a_config_that_was_cut_off_is_a_named_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    run = RunDir(tmp_path)
    text = json.dumps(config.to_dict(TrainConfig()), indent=2)
    end = data.draw(st.integers(0, len(text) - 1))
    run.config_json.write_text(text[:end])
    with pytest.raises(errors.RunDirError, match="config.json is damaged"):
        run_dir.read_config(run)


def test_a_run_of_an_unknown_task_says_which_are_known(tmp_path: Path) -> None:
    run, _ = run_dir.prepare(TrainConfig(run_dir=str(tmp_path / "run")))
    content = json.loads(run.config_json.read_text())
    run.config_json.write_text(json.dumps({**content, "task": "smells"}))
    with pytest.raises(errors.RunDirError, match="'smells', which this kft does not"):
        run_dir.read_config(run)
    run.config_json.write_text(json.dumps({**content, "task": ["image"]}))
    with pytest.raises(errors.RunDirError, match="damaged: --task: expected str"):
        run_dir.read_config(run)


def test_a_config_comes_back_with_the_options_of_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tasks.TASKS, "rising_steps", rising_steps.KIND)
    made = RisingConfig(width=5, run_dir=str(tmp_path / "run"))
    run, _ = run_dir.prepare(made)
    assert run_dir.read_config(run) == made
    with pytest.raises(errors.RunDirError, match="--task: rising_steps -> image_class"):
        run_dir.find(TrainConfig(run_dir=str(tmp_path / "run")))


def test_what_stands_beside_a_run_is_called_like_it(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert run_dir.at("x/run").beside("-search") == Path("x/run-search")
    assert run_dir.at(".").beside("-search") == tmp_path / "a" / "b-search"
    assert run_dir.at("..").beside("-search") == tmp_path / "a-search"
    with pytest.raises(errors.ConfigError, match="expected a folder with a name"):
        run_dir.at("/").beside("-search")
