"""A run's examples are those of its split.csv, wherever its splits came from."""

import types

import numpy as np
import pytest

from kft import config, errors, tasks
from kft.config import TrainConfig
from kft.data import splits
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation import run_split
from kft.run_folder.run_dir import RunDir


@pytest.fixture
def trained(tmp_path):
    """Return what `of_split` and `of_data` take of a run with splits from a file."""
    for number in range(24):
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    source = f"folder:{tmp_path / 'data'}"
    first = tasks.load_splits(
        config.ImageOptions(dataset=source, validation_fraction=0.4)
    )
    (tmp_path / "first.csv").write_text(splits.split_csv(first))
    settings = TrainConfig(
        dataset=source,
        split_file=str(tmp_path / "first.csv"),
        examples_per_class=3,
    )
    made = tasks.load_splits(settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "split.csv").write_text(splits.split_csv(made))
    return types.SimpleNamespace(
        run=RunDir(tmp_path / "run"),
        config=settings,
        labels=made.labels,
        made=made,
        path=tmp_path,
    )


def test_the_file_that_gave_the_splits_is_not_needed_any_more(trained):
    (trained.path / "first.csv").unlink()
    for side, part in trained.made.parts().items():
        found = run_split.of_split(trained, side)
        assert found.ids.tolist() == part.ids.tolist()
        np.testing.assert_array_equal(found.labels, part.labels)
    assert len(run_split.of_split(trained, "train")) == 6


def test_other_data_is_not_cut_by_the_options_of_the_run(trained):
    examples, split = run_split.of_data(trained, trained.config.dataset, "test")
    assert (len(examples), split) == (24, "all")


def test_an_example_that_is_gone_is_named(trained):
    name = trained.made.train.ids[0]
    (trained.path / "data" / name).unlink()
    with pytest.raises(errors.DataError, match=f"1 of the 6 train .*{name}"):
        run_split.of_split(trained, "train")


OWN, RUN = LabelMap(("ape", "cat", "dog")), LabelMap(("cow", "dog", "cat"))


def _matched(labels):
    examples = Examples(np.array(["x", "y"]), labels, np.arange(2), read=None)
    return run_split._relabelled(examples, OWN, RUN).labels


def test_labels_of_every_kind_get_the_class_ids_of_the_run():
    assert _matched(np.array([1, 2], np.int32)).tolist() == [2, 1]
    steps = _matched(Ragged.from_rows([np.int32([1, 1]), np.int32([2])]))
    assert [steps[row].tolist() for row in range(2)] == [[2, 2], [1]]
    switches = _matched(np.float32([[0, 1, 1], [0, 0, 1]]))
    assert switches.tolist() == [[0, 1, 1], [0, 1, 0]]


def test_a_class_that_the_run_has_not_is_an_error_for_labels_of_every_kind():
    for labels in (
        np.int32([0, 1]),
        Ragged.from_rows([np.int32([1, 0]), np.int32([2])]),
        np.float32([[1, 1, 0], [0, 0, 1]]),
    ):
        with pytest.raises(errors.DataError, match="The run does not know ape"):
            _matched(labels)


def test_steps_of_several_splits_stand_one_after_the_other():
    first = Ragged.from_rows([np.int32([1, 2]), np.int32([0])])
    second = Ragged.from_rows([np.int32([2, 2, 2])])
    found = run_split._joined([first, second])
    assert [found[row].tolist() for row in range(3)] == [[1, 2], [0], [2, 2, 2]]
