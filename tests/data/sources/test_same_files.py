"""Links that make one file several examples are said, whatever lists the files."""

import os

import pytest

from kft import config, tasks
from kft.data.sources import same_files


def test_nothing_is_said_of_different_files_and_of_parts_of_one() -> None:
    assert same_files.caution("files", ["a", "b"], [(1, 1), (1, 2)]) == ()
    assert same_files.caution("files", ["a", "a"], [(1, 1), (1, 1)]) == ()
    assert same_files.caution("files", ["a", "b"], [None, None]) == ()


def test_names_are_counted_that_have_another() -> None:
    names = ["cat/1", "cat/2", "dog/1", "dog/2", "dog/3"]
    same = [(1, 7), (1, 8), (1, 7), (1, 9), (1, 7)]
    (said,) = same_files.caution("images", names, same)
    assert "2 of 5 images" in said
    assert "dog/1 is cat/1" in said


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_from_one_class_to_another_is_said(tmp_path, caplog, link) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.jpg").write_bytes(b"x")
    link(tmp_path / "cat/1.jpg", tmp_path / "dog/9.jpg")
    tasks.load_splits(config.ImageOptions(dataset=f"folder:{tmp_path}"))
    assert "1 of 9 images are there before" in caplog.text
    assert "dog/9.jpg is cat/1.jpg" in caplog.text


def test_a_folder_that_is_a_link_to_a_class_is_said(tmp_path, caplog) -> None:
    (tmp_path / "cat").mkdir()
    for number in range(8):
        (tmp_path / "cat" / f"{number}.jpg").write_bytes(b"x")
    (tmp_path / "kitten").symlink_to(tmp_path / "cat")
    tasks.load_splits(config.ImageOptions(dataset=f"folder:{tmp_path}"))
    assert "8 of 16 images are there before" in caplog.text


def test_a_table_of_links_is_said(tmp_path, caplog) -> None:
    rows = []
    for number in range(12):
        (tmp_path / f"{number}.jpg").write_bytes(b"x")
        rows.append(f"{number}.jpg,{'ab'[number % 2]}")
    (tmp_path / "again.jpg").symlink_to(tmp_path / "3.jpg")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,label", *rows, "again.jpg,a"]))
    tasks.load_splits(config.ImageOptions(dataset=f"csv:{table}"))
    assert "1 of 13 files are there before" in caplog.text
    assert "again.jpg is " in caplog.text
