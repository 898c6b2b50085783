import os
from pathlib import Path

import pytest

from kft.inference import input_files

ENDINGS = (".jpg", ".png", ".webp")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "sub/c.webp", "sub/notes.txt", ".hidden.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def _files(*arguments: str | Path) -> list[str]:
    return [one.file for one in input_files.find(map(str, arguments), ENDINGS)]


def test_folders_are_searched_to_any_depth_and_sorted(images: Path) -> None:
    expected = ["a.PNG", "b.jpg", "sub/c.webp"]
    assert _files(images) == [str(images / name) for name in expected]


def test_the_order_of_the_arguments_is_kept(images: Path) -> None:
    arguments = [images / "b.jpg", images / "a.PNG", images / "b.jpg"]
    assert _files(*arguments) == [str(path) for path in arguments]


def test_patterns_are_expanded_and_sorted(images: Path) -> None:
    assert _files(images / "*.[jP]*") == [
        str(images / "a.PNG"),
        str(images / "b.jpg"),
    ]
    assert _files(f"{images}/**/*.webp") == [str(images / "sub/c.webp")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "holiday [1].jpg"
    path.write_bytes(b"x")
    assert _files(path) == [str(path)]


def test_what_is_not_there_is_an_error_in_its_place(images: Path) -> None:
    (images / "empty").mkdir()
    names = ("gone.jpg", "b.jpg", "*.gif", "empty")
    found = list(input_files.find([str(images / name) for name in names], ENDINGS))
    assert [one.file for one in found] == [str(images / name) for name in names]
    assert [one.error and one.error.split("(")[0].strip() for one in found] == [
        "there is no such file",
        None,
        "no file matches the pattern",
        "the folder has no files of .jpg, .png, .webp",
    ]


def test_links_in_a_circle_end(images: Path) -> None:
    (images / "sub" / "up").symlink_to(images)
    assert len(_files(images)) == 3


def test_a_name_that_is_not_utf8_is_a_file_like_the_others(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path / "caf") + b"\xe9.jpg"
    Path(os.fsdecode(name)).write_bytes(b"x")
    (tmp_path / "b.jpg").write_bytes(b"x")
    for arguments in ([tmp_path], [tmp_path / "*.jpg"], [os.fsdecode(name)]):
        found = list(input_files.find(map(str, arguments), ENDINGS))
        assert name in [one.raw for one in found]
        assert all(one.error is None for one in found)


def test_a_folder_that_fails_while_it_is_listed_does_not_stop_the_others(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scandir(path: str, original=os.scandir):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(input_files.find([str(images)], ENDINGS))
    assert [Path(one.file).name for one in found] == ["a.PNG", "b.jpg", "sub"]
    assert "cannot be listed" in str(found[2].error)


def test_an_address_and_a_text_are_told_what_to_do(tmp_path: Path) -> None:
    web, text = "https://example.org/a.jpg", "A gorgeous film."
    found = list(input_files.find([web, text], ENDINGS, ("text",)))
    assert found[0].error == "an address of the web; download the file first"
    assert str(found[1].error).endswith("goes to standard input, with - as file")


def test_files_of_a_folder_that_the_model_does_not_take_are_counted(
    images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (images / "song.WAV").write_bytes(b"x")
    (images / "sub/more.txt").write_bytes(b"x")
    with caplog.at_level("INFO", logger="absl"):
        assert len(_files(images)) == 3
    assert "3 of 6 files are left out" in caplog.text
    assert ": .txt 2, .wav 1." in caplog.text
    caplog.clear()
    _files(images / "sub/notes.txt")
    assert "left out" not in caplog.text
