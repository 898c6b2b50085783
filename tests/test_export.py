"""The command, in a process of its own."""

import importlib.util
import json
import os
import shutil
from pathlib import Path

import pytest

from kft import export, exporters
from kft.cli import command
from tests.conftest import RunKft


def test_the_command_writes_every_format_of_a_real_network(
    finished_run: Path, tmp_path: Path, run_kft: RunKft
) -> None:
    formats = [
        name
        for name, one in exporters.EXPORTERS.items()
        if all(importlib.util.find_spec(package) for package in one.packages)
    ]
    run = shutil.copytree(finished_run, tmp_path / "run")
    finished = run_kft(
        "export",
        f"--run_dir={run}",
        f"--formats={','.join(formats)}",
        "--quantize=float16" if "litert" in formats else "--quantize=none",
        "--parity_examples=18",
        "--calibrate",
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("100.00%") == len(formats)
    assert str(run / "export" / "saved_model" / "1") in finished.stdout
    assert "Temperature" in finished.stderr
    card = (run / "export" / "README.md").read_text()
    assert "license: apache-2.0" in card
    assert card.count("```python") == len(formats)
    for one in json.loads((run / "export" / "parity.json").read_text()).values():
        assert one["passed"]
        assert one["temperature"] != 1.0
        assert one["ece_after"] is not None


def test_a_run_that_cannot_be_written_is_exported_with_out(
    finished_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Root may write to what is read-only for others.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert command.execute(export.COMMAND, [str(finished_run)]) == 2
    assert "--out=FOLDER" in capsys.readouterr().err


def test_an_unknown_format_is_exit_code_2(tmp_path: Path, run_kft: RunKft) -> None:
    finished = run_kft("export", f"--run_dir={tmp_path}", "--formats=tflite")
    assert finished.returncode == 2
    assert "no export format 'tflite'" in finished.stderr
