"""Other data is measured whatever classes of the run it has, and no others."""

import dataclasses
import io
import shutil
import tarfile

import numpy as np
import pytest

from kft import errors
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation import other_data

OWN, RUN = LabelMap(("ape", "cat", "dog")), LabelMap(("cow", "dog", "cat"))


def _matched(labels):
    return other_data.of_run_classes(_examples(labels), OWN, RUN).labels


def _examples(labels):
    return Examples(np.array(["x", "y"]), labels, np.arange(2), read=None)


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


def test_examples_of_unknown_classes_are_left_out_for_labels_of_every_kind():
    for labels in (
        np.int32([0, 1]),
        Ragged.from_rows([np.int32([1, 0]), np.int32([2])]),
        np.float32([[1, 1, 0], [0, 0, 1]]),
    ):
        found, counts = other_data._known_only(_examples(labels), OWN, RUN)
        assert (found.ids.tolist(), counts) == (["y"], {"ape": 1})


def test_other_data_is_not_cut_by_the_options_of_the_run(trained):
    found = other_data.load(trained, trained.config.dataset, "test")
    assert (len(found.examples), found.split) == (24, "all")


def test_data_is_that_of_the_run_by_its_examples(trained):
    moved, copied = trained.path / "moved", trained.path / "copied"
    shutil.copytree(trained.path / "data", copied)
    (trained.path / "data").rename(moved)
    (trained.path / "first.csv").unlink()
    assert other_data.is_of_run(trained, f"folder:{moved}")
    (copied / trained.made.train.ids[0]).write_bytes(b"other")
    assert not other_data.is_of_run(trained, f"folder:{copied}")
    assert not other_data.is_of_run(trained, f"folder:{trained.path / 'data'}")


# Files of a folder or rows of a table -> what one could not train on.
_PARTS = {
    "one_class": ("folder", ["a/1.jpg"], "validation", 1),
    "empty_class": ("folder", ["a/1.jpg", "b/"], "validation", 1),
    "test_only": ("folder", ["test/a/1.jpg", "test/b/1.jpg"], "test", 2),
    "named_test": ("folder", ["my_test/b/1.jpg"], "test", 1),
    "more_in_val": ("folder", ["train/a/1.jpg", "val/b/1.jpg"], "validation", 1),
    "test_rows": ("csv", ["a,test", "b,test"], "test", 2),
    "one_label": ("csv", ["a,", "a,"], "validation", 2),
}


@pytest.mark.parametrize("name", _PARTS)
def test_what_one_could_not_train_on_is_measured(trained, name):
    kind, parts, split, number = _PARTS[name]
    folder = trained.path / name
    folder.mkdir()
    if kind == "folder":
        for part in parts:
            path = folder / part
            path.parent.mkdir(parents=True, exist_ok=True)
            if part.endswith("/"):
                path.mkdir()
            else:
                path.write_bytes(b"x")
        dataset = f"folder:{folder}"
    else:
        rows = [f"{trained.path}/data/a/{2 * n}.jpg,{p}" for n, p in enumerate(parts)]
        text = "path,label,split\n" + "\n".join(rows)
        if name == "one_label":
            text = text.replace(",split", "").replace("a,\n", "a\n").rstrip(",")
        (folder / "table.csv").write_text(text)
        dataset = f"csv:{folder / 'table.csv'}"
    found = other_data.load(trained, dataset, split)
    assert len(found.examples) == number


def test_a_class_that_the_run_does_not_know_is_an_error_or_counted(trained):
    folder = trained.path / "more"
    for path in (folder / "a" / "1.jpg", folder / "z" / "1.jpg"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    with pytest.raises(errors.DataError, match="does not know z.*--unknown=skip"):
        other_data.load(trained, f"folder:{folder}", "test")
    found = other_data.load(trained, f"folder:{folder}", "test", unknown="skip")
    assert (found.examples.ids.tolist(), found.unknown) == (["a/1.jpg"], {"z": 1})
    shutil.rmtree(folder / "a")
    with pytest.raises(errors.DataError, match="expected examples of classes of the"):
        other_data.load(trained, f"folder:{folder}", "test", unknown="skip")


def test_other_data_may_have_other_names_of_columns(trained):
    (trained.path / "t.csv").write_text("file,kind\ndata/a/0.jpg,a\ndata/b/1.jpg,b\n")
    named = {"csv_columns": ("path=file", "label=kind")}
    dataset = f"csv:{trained.path / 't.csv'}"
    assert len(other_data.load(trained, dataset, "test", named=named).examples) == 2
    with pytest.raises(errors.DataError, match="--csv_columns=path=NAME,label=NAME"):
        other_data.load(trained, dataset, "test")
    with pytest.raises(errors.ConfigError, match="--jsonl_keys: data of --task=image"):
        other_data.load(trained, dataset, "test", named={"jsonl_keys": ("text=a",)})


def test_a_file_may_name_the_classes_of_other_data(trained):
    shard = trained.path / "x.tar"
    with tarfile.open(shard, "w") as archive:
        for name, content in {"0.jpg": b"1", "0.cls": b"1", "1.jpg": b"2"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo("1.cls")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"0"))
    names = trained.path / "names.txt"
    names.write_text("b\na\n")
    dataset, named = f"webdataset:{shard}", {"webdataset_labels": str(names)}
    found = other_data.load(trained, dataset, "test", named=named)
    assert found.examples.labels.tolist() == [0, 1]


def test_what_is_not_renamed_is_called_as_in_the_data_of_the_run(trained):
    (trained.path / "t.csv").write_text("photo,kind\ndata/a/0.jpg,a\ndata/b/1.jpg,b\n")
    trained.config = dataclasses.replace(
        trained.config, csv_columns=("path=file", "label=kind")
    )
    dataset, named = f"csv:{trained.path / 't.csv'}", {"csv_columns": ("path=photo",)}
    assert len(other_data.load(trained, dataset, "test", named=named).examples) == 2


def test_data_that_cannot_be_is_named_by_its_own_flag(trained):
    for dataset in ("folder:nowhere", "nowhere"):
        with pytest.raises(errors.ConfigError, match=r"--data\b(?!set)") as caught:
            other_data.load(trained, dataset, "validation")
        assert "--dataset" not in str(caught.value)
