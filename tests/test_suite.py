"""The two tiers of the tests: what runs by default, and that the checks run it all."""

import re
import shlex
import tomllib

import pytest

from tests.conftest import REPOSITORY

# Options of pytest that leave tests out.
LEAVING_OUT = ("-k", "--ignore", "--ignore-glob", "--deselect", "--last-failed", "--lf")


def _checks() -> list[str]:
    """Return the command of the checks that runs the tests, with its arguments."""
    script = (REPOSITORY / ".ci" / "run").read_text()
    (line,) = re.findall(r"^python -m pytest.*$", script, re.MULTILINE)
    return shlex.split(line.split("<")[0])


def _options() -> dict:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return settings["tool"]["pytest"]["ini_options"]


def test_the_checks_run_every_test() -> None:
    assert _checks() == ["python", "-m", "pytest", "-m", ""]
    named = {option.split("=")[0] for option in shlex.split(_options()["addopts"])}
    assert named.isdisjoint(LEAVING_OUT)
    assert _options()["testpaths"] == ["tests"]


def test_the_readme_names_the_command_that_runs_every_test() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    commands = re.findall(r"`(python -m pytest[^`]*)`", readme)
    assert _checks() in [shlex.split(command) for command in commands]


def test_a_marker_leaves_out_by_default_what_takes_long(
    pytestconfig: pytest.Config,
) -> None:
    options = shlex.split(_options()["addopts"])
    chosen = options[options.index("-m") + 1]
    markers = [line.split(":")[0] for line in _options()["markers"]]
    assert chosen == " and ".join(f"not {marker}" for marker in markers)


def test_what_takes_long_comes_first(request: pytest.FixtureRequest) -> None:
    long, items = set(), request.session.items
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("integration"):
            long.add(item.path)
    is_long = [item.path in long for item in items]
    assert is_long == sorted(is_long, reverse=True)


def test_a_folder_is_filled_once(once, tmp_path) -> None:
    calls = []

    def fill(folder) -> None:
        calls.append(folder)
        (folder / "file").write_text("content")

    names = [once("filled_once", fill) for _ in range(2)]
    assert names[0] == names[1]
    assert (names[0] / "file").read_text() == "content"
    assert len(calls) <= 1
    # A process that failed leaves no half of it.
    with pytest.raises(ZeroDivisionError):
        once("filled_again", lambda folder: (folder / "half").touch() or 1 / 0)
    again = once("filled_again", lambda folder: (folder / "whole").touch())
    assert [path.name for path in again.iterdir()] == ["whole"]
