"""parity.json, of this version and of the first."""

import json
from pathlib import Path

import pytest

from kft import errors
from kft.exporters import certificates
from kft.run_folder.run_dir import RunDir


def test_certificates_of_other_formats_stay(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert certificates.read(run) == {}
    certificates.add(run, "onnx", {"passed": True})
    certificates.add(run, "litert_int8", {"passed": False})
    certificates.add(run, "onnx", {"passed": False})
    found = certificates.read(run)
    assert found == {"onnx": {"passed": False}, "litert_int8": {"passed": False}}


def test_speeds_of_the_first_version_have_their_new_name(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    old = {"onnx": {"images_per_second": 640.0}}
    run.write_text(run.export / "parity.json", json.dumps(old))
    assert certificates.read(run) == {"onnx": {"examples_per_second": 640.0}}


@pytest.mark.parametrize("content", ["{", '{"onnx": 1}', "[]"])
def test_a_damaged_file_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_text(run.export / "parity.json", content)
    with pytest.raises(errors.RunDirError, match=r"parity\.json is damaged"):
        certificates.read(run)
