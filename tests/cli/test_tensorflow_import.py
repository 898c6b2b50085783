"""TensorFlow's import in a command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kft.cli import tensorflow_import
from tests.conftest import REPOSITORY

# Prints which of the optional packages are there after the import, then has them all.
PROGRAM = """
import importlib, importlib.util, sys
from kft.cli import tensorflow_import as ours
ours.prepare(quiet=True, without_optional={optional})
import {first}
from keras import layers
print([name for name in ours.OPTIONAL if name in sys.modules])
for name in filter(importlib.util.find_spec, ours.OPTIONAL):
    importlib.import_module(name)
"""


def _there(first: str, *, without_optional: bool) -> str:
    """Return what a process prints that imports `first` before anything else."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first, optional=without_optional)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize("first", ["keras", "tensorflow"])
def test_what_keras_can_do_without_is_imported_by_those_who_need_it(first: str) -> None:
    assert _there(first, without_optional=True) == "[]"


def test_in_a_process_that_is_not_ours_keras_has_what_it_looks_for() -> None:
    assert "sklearn" in _there("keras", without_optional=False)


def test_what_is_there_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "there", os)
    with tensorflow_import._without_packages(["there", "json.no_such_module"]):
        assert sys.modules["there"] is os
        assert sys.modules["json.no_such_module"] is None
    assert sys.modules["there"] is os
    assert "json.no_such_module" not in sys.modules


def test_greetings_are_dropped_and_all_else_is_kept(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with tensorflow_import._without_greetings():
        os.write(2, b"I0000 00:00:1795441051.797024    4433 port.cc:153] oneDNN on\n")
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() ...\n")
        os.write(2, b"E0000 00:00:1795441051.797024 4433 x.cc:1] out of memory\n")
        os.write(2, b"F0000 00:00:1795441051.797024 4433 x.cc:1] the end\n")
        os.write(2, b"Illegal instruction\n")
    assert capfd.readouterr().err.split("\n") == [
        "E0000 00:00:1795441051.797024 4433 x.cc:1] out of memory",
        "F0000 00:00:1795441051.797024 4433 x.cc:1] the end",
        "Illegal instruction",
        "",
    ]


def test_what_was_held_back_is_written_when_the_import_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImportError), tensorflow_import._without_greetings():
        os.write(2, b"no AVX on this machine\n")
        raise ImportError
    assert capfd.readouterr().err == "no AVX on this machine\n"


@pytest.mark.parametrize("has_gpu", [True, False])
def test_a_gpu_that_does_not_start_is_worth_a_word_where_there_is_one(
    has_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "E0000 00:00:1.2 3 cuda_platform.cc:52] failed call to cuInit: UNKNOWN"
    monkeypatch.setattr(Path, "exists", lambda path: has_gpu)
    assert tensorflow_import._is_greeting(line) is not has_gpu
