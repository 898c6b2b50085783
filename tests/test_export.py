"""The command, in a process of its own."""

import shutil
from pathlib import Path

from tests.conftest import RunKft


def test_the_command_writes_a_model_and_prints_its_certificate(
    finished_run: Path, tmp_path: Path, run_kft: RunKft
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    finished = run_kft("export", f"--run_dir={run}", "--parity_examples=4")
    assert finished.returncode == 0, finished.stderr
    assert "100.00%" in finished.stdout
    assert str(run / "export" / "saved_model" / "1") in finished.stdout


def test_an_unknown_format_is_exit_code_2(tmp_path: Path, run_kft: RunKft) -> None:
    finished = run_kft("export", f"--run_dir={tmp_path}", "--formats=tflite")
    assert finished.returncode == 2
    assert "no export format 'tflite'" in finished.stderr
