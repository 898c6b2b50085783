"""Children of kft import what kft does, and nothing of the working directory."""

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kft
from kft.cli import child_process
from tests.test_layering import SOURCES

HOSTILE = "raise SystemExit('the working directory was imported')\n"
# Modules that a child imports before it knows the import path of its parent.
EARLY = ("h5py", "tensorflow", "kft", "multiprocessing", "selectors", "json")


@pytest.fixture
def hostile_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in EARLY:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("start", [["-c", "{}"], ["-m", "kft.errors"]])
def test_a_child_does_not_import_from_the_working_directory(
    start: list[str], hostile_folder: Path
) -> None:
    program = "import h5py, json, kft; print(kft.__file__)"
    done = subprocess.run(
        [sys.executable, *(part.format(program) for part in start)],
        env=child_process.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in ("", str(kft.__file__))


def test_an_empty_entry_of_the_import_path_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    assert child_process.environment()["PYTHONPATH"] == "/somewhere"


def test_processes_of_a_pool_do_not_import_from_the_working_directory(
    hostile_folder: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    with (
        child_process.safe_path(),
        concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool,
    ):
        assert pool.submit(abs, -1).result() == 1


@pytest.mark.parametrize("before", [None, "", "1"])
def test_the_environment_is_as_before_after_a_pool(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with child_process.safe_path():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ.get("PYTHONSAFEPATH") == before


def test_whoever_starts_a_python_does_it_so() -> None:
    unsafe = [
        name
        for name, source in SOURCES.items()
        if ("import subprocess" in source or "import multiprocessing" in source)
        and "child_process." not in source
    ]
    assert unsafe == []
