"""Files beside examples are counted by class and kind, with what to do."""

import logging
import os

import pytest

from kft import config, tasks


@pytest.fixture(autouse=True)
def _log_everything(caplog):
    caplog.set_level(logging.INFO)


def _make(root, **counts):
    """Make files: `cat__heic=3` is three of that ending in the folder cat."""
    for name, count in counts.items():
        folder, _, ending = name.partition("__")
        (root / folder).mkdir(exist_ok=True)
        for number in range(count):
            name = f"{number}.{ending}" if ending else f"{number}"
            (root / folder / name).write_bytes(b"x")
    return root


def _said(root, caplog):
    options = config.ImageOptions(dataset=f"folder:{root}", validation_fraction=0.0)
    tasks.load_splits(options)
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_every_kind_is_counted_by_class_with_what_to_do(tmp_path, caplog):
    counts = {"cat__jpg": 12, "dog__jpg": 5, "cat__CR2": 60, "dog__cr2": 1, "dog__": 2}
    ((level, text),) = _said(_make(tmp_path, **counts), caplog)
    assert level == "WARNING"
    assert "63 of 80 files are left out, for images end in .jpg, " in text
    assert ": .cr2 61 (cat 60 of 72, dog 1 of 8); no ending 2 (dog 2 of 8)." in text
    assert text.endswith(
        "Give files without an ending one. Convert .cr2 to JPEG or PNG."
    ) or text.endswith("Convert .cr2 to JPEG or PNG. Give files without an ending one.")


def test_notes_beside_images_are_no_warning(tmp_path, caplog):
    ((level, text),) = _said(_make(tmp_path, a__jpg=3, b__jpg=3, a__txt=1), caplog)
    assert (level, ".txt 1 (a 1 of 4)." in text) == ("INFO", True)


def test_more_of_an_unknown_kind_than_images_is_a_warning(tmp_path, caplog):
    ((level, _),) = _said(_make(tmp_path, a__jpg=3, b__jpg=3, a__xyz=4), caplog)
    assert level == "WARNING"


def test_of_many_classes_and_endings_some_are_shown(tmp_path, caplog):
    counts = {f"{name}__{end}": 1 for name in "abcdefgh" for end in ("jpg", "psd")}
    counts |= {f"a__{letter * 3}": 1 for letter in "klmnopqrst"}
    ((_, text),) = _said(_make(tmp_path, **counts), caplog)
    assert "and 3 more)" in text
    assert "; and 3 more." in text


def test_images_beside_the_class_folders_are_counted(tmp_path, caplog):
    _make(tmp_path, a__jpg=3, b__jpg=3)
    (tmp_path / "loose.jpg").write_bytes(b"x")
    ((level, text),) = _said(tmp_path, caplog)
    assert level == "WARNING"
    assert "the folder itself: 1 images are left out, for they are in no folder" in text


def test_nothing_is_said_where_nothing_is_left_out(tmp_path, caplog):
    assert _said(_make(tmp_path, a__jpg=3, b__PNG=3), caplog) == []


def test_tiff_is_taken_and_what_exports_make_of_it_is_said(tmp_path, caplog):
    ((level, text),) = _said(_make(tmp_path, a__tif=3, a__tiff=1, b__png=3), caplog)
    assert level == "WARNING"
    assert "4 of 7 images. An exported SavedModel cannot decode TIFF" in text


def test_what_is_hidden_by_a_dot_is_counted_with_its_place(tmp_path, caplog):
    counts = {"cat__jpg": 5, "dog__jpg": 5, ".bird__jpg": 3, ".bird__txt": 1}
    _make(tmp_path, **counts)
    (tmp_path / "cat/.more").mkdir()
    (tmp_path / "cat/.more/1.jpg").write_bytes(b"x")
    (tmp_path / "cat/.2.jpg").write_bytes(b"x")
    (tmp_path / ".3.jpg").write_bytes(b"x")
    said = dict(
        text.split(" are left out", 1)[0].rsplit(": ", 2)[1:]
        for level, text in _said(tmp_path, caplog)
        if level == "WARNING"
    )
    assert said == {"cat/": "2 images", "the folder itself": "4 images"}


def test_what_systems_hide_is_no_example(tmp_path, caplog):
    _make(tmp_path, a__jpg=3, b__jpg=3)
    (tmp_path / "a/._1.jpg").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX/1.jpg").write_bytes(b"x")
    assert _said(tmp_path, caplog) == []


def test_a_hidden_folder_that_cannot_be_listed_is_no_error(tmp_path, monkeypatch):
    _make(tmp_path, a__jpg=3, b__jpg=3, **{".trash__jpg": 1})
    real = os.scandir

    def refuses(folder):
        if str(folder).endswith(".trash"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", refuses)
    options = config.ImageOptions(dataset=f"folder:{tmp_path}", validation_fraction=0.0)
    assert len(tasks.load_splits(options).train) == 6


def test_folders_within_classes_that_may_be_the_classes_are_said(tmp_path, caplog):
    for name in ("animals/cat", "animals/dog", "plants/rose", "plants/fern"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.jpg").write_bytes(name.encode())
    ((level, text),) = _said(tmp_path, caplog)
    assert level == "INFO"
    assert "the classes are animals, plants; the folders in them (cat, dog, " in text


@pytest.mark.parametrize("beside", ["animals/2.jpg", "plants/cat/1.jpg"])
def test_folders_within_classes_that_are_no_classes_are_not_said(
    tmp_path, caplog, beside
):
    names = ("animals/cat", "animals/dog", "plants/rose", "plants/fern")
    for place in (*(f"{name}/1.jpg" for name in names), beside):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(place.encode())
    assert _said(tmp_path, caplog) == []
