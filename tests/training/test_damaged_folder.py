"""Run folders that were cut off, edited or emptied: repaired, or refused by name."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kft import errors, tasks
from kft.config import EvaluateConfig
from kft.evaluation import evaluate_run, load_run
from kft.inference import answers
from kft.inference import predictor as inference_predictor
from kft.inference.input_files import InputFiles
from tests.training import test_fine_tune

STAGES = "head:2@0.1,all:2@0.05"
TOP = (
    "config.json",
    "flags.cfg",
    "environment.json",
    "labels.txt",
    "split.csv",
    "metrics.jsonl",
    "best.weights.h5",
    "result.json",
    "example.raw",
)
DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"\x00\xffgarbage{[" * 50),
    "half": lambda path: path.write_bytes(
        path.read_bytes()[: path.stat().st_size // 2]
    ),
    "text": lambda path: path.write_text('{"status": "finished"}\n'),
    # What waits for it waits for ever.
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


def _files(run: Path) -> list[str]:
    """Return what there is to damage: the named files, and those of the checkpoints."""
    inner = sorted(
        str(path.relative_to(run))
        for folder in ("checkpoints", "tensorboard")
        for path in (run / folder).glob("*")
    )
    return [name for name in (*TOP, *inner) if (run / name).exists()]


def _try(action: Callable[[], object], name: str) -> str:
    """Return what became of an action: it worked, or which error named the file."""
    try:
        action()
    except errors.KftError as error:
        text = str(error)
        assert Path(name).name in text, text
        assert any(
            word in text
            for word in (
                "--run_dir",
                "Restore",
                "repeat",
                "Copy",
                "--data",
                "copy",
                "Use the",
            )
        ), text
        return type(error).__name__
    return "works"


def _damaged_copies(run: Path, folder: Path, damages=tuple(DAMAGES)):
    """Yield a damaged copy of a run for each file and damage, with their names."""
    for name in _files(run):
        for damage in damages:
            do = DAMAGES[damage]
            copy = folder / f"{damage}-{Path(name).name}"
            shutil.copytree(run, copy)
            do(copy / name)
            yield name, damage, copy
            shutil.rmtree(copy)


@pytest.mark.slow
def test_an_unfinished_run_goes_on_or_names_the_damaged_file(
    tiny_run, kept_run, monkeypatch, tmp_path
):
    whole = kept_run(stages=STAGES)
    test_fine_tune.run_until(
        monkeypatch, 13, lambda: tiny_run("stopped", stages=STAGES)
    )
    found = {}
    # Two damages only: each copy that can go on trains to its end.
    damages = ("missing", "half")
    stopped = tmp_path / "stopped"
    for name, damage, copy in _damaged_copies(stopped, tmp_path / "c", damages):

        def go_on(copy=copy):
            tiny_run(str(copy), stages=STAGES)
            test_fine_tune.assert_same_run(whole.run_dir, copy)

        found[name, damage] = _try(go_on, name)
    worked = {key for key, value in found.items() if value == "works"}
    # What follows from the rest is written anew; an older checkpoint replaces the last.
    last = max(name for name, _ in found if "state-" in name)
    repaired = ("flags.cfg", "labels.txt", "split.csv", "environment.json", last)
    assert {(name, d) for name in repaired for d in damages} <= worked
    assert not any(name == "config.json" for name, _ in worked)
    assert not any("frozen-" in name for name, _ in worked)
    assert len(found) >= 20


@pytest.mark.slow
def test_a_finished_run_is_used_or_names_the_damaged_file(tiny_run, kept_run, tmp_path):
    run = kept_run(stages=STAGES).run_dir
    payload = (run / "example.raw").read_bytes()
    (tmp_path / "image.raw").write_bytes(payload)

    def measure(copy: Path) -> None:
        evaluate_run.evaluate(EvaluateConfig(run_dir=str(copy)))

    def answer(copy: Path) -> None:
        predictor = inference_predictor.of_run(load_run.load(str(copy)))
        image = [InputFiles(str(tmp_path / "image.raw"))]
        (found,) = answers.predict(predictor, image, top_k=1, batch_size=1)
        assert found.error is None

    measure(run)
    answer(run)
    found = {}
    for name, damage, copy in _damaged_copies(run, tmp_path / "c"):
        if name == "labels.txt" and damage in ("half", "text"):
            # A legal list of other classes: the weights of a real task, other than the
            # tiny one's, do not fit it.
            continue
        for what, use in (("evaluate", measure), ("predict", answer)):
            found[name, damage, what] = _try(lambda use=use, c=copy: use(c), name)
        again = _try(lambda c=copy: tiny_run(str(c), stages=STAGES), name)
        found[name, damage, "train"] = again
    for damage in DAMAGES:
        for what in ("evaluate", "predict"):
            assert found["best.weights.h5", damage, what] == "RunDirError"
            assert found["config.json", damage, what] == "RunDirError"
            assert found["flags.cfg", damage, what] == "works"
    assert found["split.csv", "half", "predict"] == "works"
    assert len(found) >= 140


@pytest.fixture
def change_data(tiny_run, monkeypatch) -> Callable[..., None]:
    """Return a function that replaces parts of the tiny data set."""

    def change(**changes) -> None:
        splits = dataclasses.replace(tasks.load_splits(None), **changes)
        monkeypatch.setattr(tasks, "load_splits", lambda config: splits)

    return change


def _stopped(tiny_run, monkeypatch) -> None:
    test_fine_tune.run_until(monkeypatch, 3, lambda: tiny_run("run", stages=STAGES))


def test_data_that_changed_is_refused_with_what_changed(
    tiny_run, change_data, monkeypatch
):
    _stopped(tiny_run, monkeypatch)
    fewer = tasks.load_splits(None).train.take(np.arange(2, 70))
    change_data(train=fewer, fingerprint="other")
    with pytest.raises(errors.DataError) as caught:
        tiny_run("run", stages=STAGES)
    message = str(caught.value)
    assert "2 removed (0/0000, 0/0001)" in message
    assert "put them back" in message and "another --run_dir" in message
    assert "added" not in message


def test_data_with_the_same_names_and_other_sizes_is_refused(
    tiny_run, change_data, monkeypatch
):
    _stopped(tiny_run, monkeypatch)
    change_data(fingerprint="other")
    with pytest.raises(errors.DataError, match="same examples, but files of other siz"):
        tiny_run("run", stages=STAGES)


def test_without_environment_and_split_nothing_tells_what_the_data_was(
    tiny_run, tmp_path, monkeypatch
):
    _stopped(tiny_run, monkeypatch)
    (tmp_path / "run" / "environment.json").unlink()
    (tmp_path / "run" / "split.csv").unlink()
    with pytest.raises(errors.RunDirError, match="both damaged or gone"):
        tiny_run("run", stages=STAGES)


def test_a_resume_keeps_what_the_environment_was_at_the_start(
    tiny_run, tmp_path, monkeypatch, caplog
):
    _stopped(tiny_run, monkeypatch)
    path = tmp_path / "run" / "environment.json"
    environment = json.loads(path.read_text())
    environment["packages"]["numpy"] = "1.0"
    path.write_text(json.dumps(environment))
    tiny_run("run", stages=STAGES)
    assert json.loads(path.read_text()) == environment
    assert "The run began with numpy 1.0 and goes on with" in caplog.text
