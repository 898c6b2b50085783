"""Processes that wait for an export: none stays behind."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from kft.exporters import standalone_process
from kft.exporters.standalone_process import ExportFailedError, StandaloneProcesses

_BEGIN = """
import os, signal
from kft.exporters.standalone_process import StandaloneProcess
process = StandaloneProcess("onnx")
print(process._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
_PATIENCE = 60


def _children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if _is_runner(one)]


def _is_runner(process: psutil.Process) -> bool:
    return any("standalone_runner" in part for part in process.cmdline())


def test_one_process_is_there_at_a_time_and_none_is_left() -> None:
    with StandaloneProcesses(["onnx", "litert", "onnx"]) as processes:
        (first,) = _children()
        with processes.next():
            assert _children() == [first]
        (second,) = _children()
        assert second != first
    assert _children() == []


def test_each_format_has_one_process() -> None:
    with StandaloneProcesses(["onnx"]) as processes:
        with processes.next():
            pass
        with pytest.raises(ValueError, match="there is none"), processes.next():
            pass


def test_it_ends_with_the_process_that_began_it() -> None:
    begun = subprocess.run(
        [sys.executable, "-c", _BEGIN], capture_output=True, text=True, check=False
    )
    deadline = time.monotonic() + _PATIENCE
    number = int(begun.stdout)
    while psutil.pid_exists(number):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_slow_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(standalone_process, "_TIMEOUT_SECONDS", 0.01)
    questions = {"x": np.zeros(1)}
    with (
        StandaloneProcesses(["onnx"]) as processes,
        processes.next() as process,
        pytest.raises(ExportFailedError, match=r"not answered within 0\.01 s"),
    ):
        process.ask(tmp_path, questions, output="probabilities", seconds=0.1)
    assert _children() == []
