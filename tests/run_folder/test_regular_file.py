"""What lies where kft reads and writes may have been put there by somebody else."""

import os
from pathlib import Path

import pytest

from kft.run_folder import regular_file


def test_a_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"content")
    (tmp_path / "name").symlink_to("blob")
    assert regular_file.read(tmp_path / "name") == b"content"


def test_no_reader_waits_for_the_writer_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No regular file"):
        regular_file.read(tmp_path / "pipe")


def test_no_reader_drinks_from_a_device(tmp_path: Path) -> None:
    (tmp_path / "name").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="No regular file"):
        regular_file.read(tmp_path / "name")


@pytest.mark.parametrize("reader", [regular_file.read, regular_file.open_own])
def test_a_folder_is_no_file(reader, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        reader(tmp_path)


def test_an_own_file_is_made_once_and_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "own"
    os.close(regular_file.open_own(path))
    path.write_text("kept")
    os.close(regular_file.open_own(path))
    assert path.read_text() == "kept"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_of_somebody_else_is_not_opened_through_a_link(
    link, tmp_path: Path
) -> None:
    (tmp_path / "victim").write_text("precious")
    link(tmp_path / "victim", tmp_path / "own")
    with pytest.raises(OSError):  # noqa: PT011, the kernel's words differ
        regular_file.open_own(tmp_path / "own")


def test_no_file_is_made_where_a_link_points(tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to("absent")
    with pytest.raises(OSError):  # noqa: PT011, the kernel's words differ
        regular_file.open_own(tmp_path / "own")
    assert not (tmp_path / "absent").exists()


def test_a_pipe_is_no_own_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own")
    with pytest.raises(OSError, match="No regular file"):
        regular_file.open_own(tmp_path / "own")
