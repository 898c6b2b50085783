"""A run's examples are those of its split.csv, wherever its splits came from."""

import dataclasses
import json
import re

import numpy as np
import pytest

from kft import errors
from kft.config import run_commands
from kft.data.examples import Examples
from kft.data.ragged import Ragged
from kft.data.sources import given
from kft.evaluation import run_split
from kft.run_folder.run_dir import RunDir


def test_the_file_that_gave_the_splits_is_not_needed_any_more(trained):
    (trained.path / "first.csv").unlink()
    for side, part in trained.made.parts().items():
        found = run_split.of_split(trained, side)
        assert found.ids.tolist() == part.ids.tolist()
        np.testing.assert_array_equal(found.labels, part.labels)
    assert len(run_split.of_split(trained, "train")) == 6


def test_an_example_that_is_gone_is_named(trained):
    name = trained.made.train.ids[0]
    (trained.path / "data" / name).unlink()
    with pytest.raises(errors.DataError, match=f"1 of the 6 train .*{name}"):
        run_split.of_split(trained, "train")


def test_an_example_of_a_new_class_that_was_added_since_does_no_harm(trained):
    added = trained.path / "data" / "c" / "new.jpg"
    added.parent.mkdir()
    added.write_bytes(b"x")
    assert len(run_split.of_split(trained, "train")) == 6


def test_examples_that_were_moved_are_found_where_the_run_is_told(trained):
    (trained.path / "data").rename(trained.path / "moved")
    with pytest.raises(run_split.ExamplesGoneError, match="--data=folder:PLACE"):
        run_split.of_split(trained, "train")
    trained.data = f"folder:{trained.path / 'moved'}"
    found = run_split.of_split(trained, "train")
    assert found.ids.tolist() == trained.made.train.ids.tolist()
    trained.data = f"folder:{trained.path / 'moved' / 'a'}"
    with pytest.raises(errors.DataError) as raised:
        run_split.of_split(trained, "train")
    assert not isinstance(raised.value, run_split.ExamplesGoneError)


def test_the_advice_where_examples_are_gone_is_for_commands_that_have_the_flag(trained):
    (trained.path / "data").rename(trained.path / "moved")
    with pytest.raises(run_split.ExamplesGoneError) as raised:
        run_split.of_split(trained, "train")
    advised = set(re.findall(r"kft\.(\w+)", str(raised.value).partition("--data=")[2]))
    about_a_run = {
        name
        for name, config in run_commands.__dict__.items()
        if dataclasses.is_dataclass(config) and "data" in config.__dataclass_fields__
    }
    assert {f"{name.capitalize()}Config" for name in advised} == about_a_run


def test_examples_that_a_program_gave_have_no_place(trained):
    trained.config = dataclasses.replace(
        trained.config, dataset=f"{given.KIND}:0123456789abcdef", split_file=None
    )
    with pytest.raises(run_split.ExamplesGoneError, match="--data=KIND:PLACE") as said:
        run_split.of_split(trained, "train")
    assert f"--data={given.KIND}" not in str(said.value)


def _told_as_relative(trained, folder):
    """Make the run one that was started in a folder, with `folder:data`."""
    trained.config = dataclasses.replace(
        trained.config, dataset="folder:data", split_file=None
    )
    facts = {
        "working_directory": str(folder),
        "run_folder": str(folder / "run"),
    }
    trained.run.environment_json.write_text(json.dumps(facts))


def test_a_relative_path_counts_from_where_training_was_started(
    trained, tmp_path, monkeypatch
):
    _told_as_relative(trained, trained.path)
    elsewhere = tmp_path / "elsewhere"
    # Of the same name, and not of the run.
    (elsewhere / "data" / "a").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert len(run_split.of_split(trained, "train")) == 6


def test_data_that_moved_with_the_run_is_found(trained, tmp_path, monkeypatch):
    _told_as_relative(trained, trained.path)
    for name in ("data", "run"):
        (tmp_path / "new").mkdir(exist_ok=True)
        (trained.path / name).rename(tmp_path / "new" / name)
    trained.run = RunDir(tmp_path / "new" / "run")
    monkeypatch.chdir("/")
    assert len(run_split.of_split(trained, "train")) == 6


def test_a_place_that_no_option_can_have_is_passed_over(trained):
    facts = {"working_directory": "/a\nb", "run_folder": 5}
    trained.run.environment_json.write_text(json.dumps(facts))
    assert len(run_split.of_split(trained, "train")) == 6


def test_steps_of_several_splits_stand_one_after_the_other():
    first = Ragged.from_rows([np.int32([1, 2]), np.int32([0])])
    second = Ragged.from_rows([np.int32([2, 2, 2])])
    parts = [
        Examples(np.array(list(ids)), labels, np.arange(len(labels)), read=None)
        for ids, labels in (("xy", first), ("z", second))
    ]
    found = run_split._together(parts).labels
    assert [found[row].tolist() for row in range(3)] == [[1, 2], [0], [2, 2, 2]]
