"""The configs that come with kft, listed and copied."""

from pathlib import Path

import pytest

from kft import configs
from kft.cli import command
from kft.config import shipped_configs
from tests.conftest import REPOSITORY

FILES = sorted((REPOSITORY / "configs").glob("*.cfg"))


def test_every_config_is_listed_with_what_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.execute(configs.COMMAND, []) == command.EXIT_OK
    shown = " ".join(capsys.readouterr().out.split())
    for path in FILES:
        assert path.stem in shown
    assert "Five kinds of flowers, 3,670 photographs" in shown


def test_copies_are_those_of_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reviews", "flowers", f"--out={tmp_path / 'mine'}"]
    assert command.execute(configs.COMMAND, arguments) == command.EXIT_OK
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [p.name for p in written] == ["reviews.cfg", "flowers.cfg"]
    for path in written:
        original = REPOSITORY / "configs" / path.name
        assert path.read_bytes() == original.read_bytes()


def test_nothing_is_overwritten_and_nothing_half_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reviews.cfg").write_text("mine")
    arguments = ["flowers", "reviews", f"--out={tmp_path}"]
    assert command.execute(configs.COMMAND, arguments) == command.EXIT_USAGE
    assert f"{tmp_path / 'reviews.cfg'} would be overwritten" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["reviews.cfg"]
    assert (tmp_path / "reviews.cfg").read_text() == "mine"


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_place_that_is_no_folder_is_named(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    arguments = ["flowers", f"--out={tmp_path / out}"]
    assert command.execute(configs.COMMAND, arguments) == command.EXIT_USAGE
    said = capsys.readouterr().err
    assert f"--out={tmp_path / out}: " in said and "cannot be written" in said


def test_an_unknown_config_gets_the_near_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.execute(configs.COMMAND, ["quikstart"]) == command.EXIT_USAGE
    assert "Did you mean quickstart?" in capsys.readouterr().err


def test_the_summary_is_the_first_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "some.cfg"
    path.write_text("# Two\n# lines.\n#\n# Another.\n--seed=1\n")
    assert shipped_configs.summary(path) == "Two lines."
    path.write_text("--seed=1\n")
    assert shipped_configs.summary(path) == ""
