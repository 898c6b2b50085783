"""parity.json, of this version and of the first."""

import json
from pathlib import Path

import pytest

from kft import errors
from kft.exporters import certificates
from kft.run_folder.run_dir import RunDir

# One of the first version.
CERTIFICATE = {
    "export": "onnx/model.onnx",
    "quantize": "none",
    "examples": 18,
    "top1_agreement": 1.0,
    "largest_difference": 1e-7,
    "accuracy": None,
    "network_accuracy": 0.5,
    "megabytes": 3.2,
    "milliseconds_p50": 1.5,
    "milliseconds_p95": 2,
    "images_per_second": 640.0,
    "passed": True,
    "problem": None,
}


def test_certificates_of_other_formats_stay(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert certificates.read(run) == {}
    failed = {**CERTIFICATE, "passed": False}
    certificates.add(run, "onnx", CERTIFICATE)
    certificates.add(run, "litert_int8", failed)
    certificates.add(run, "onnx", failed)
    found = certificates.read(run)
    assert {name: one["passed"] for name, one in found.items()} == {
        "onnx": False,
        "litert_int8": False,
    }


def test_speeds_of_the_first_version_have_their_new_name(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_text(run.export / "parity.json", json.dumps({"onnx": CERTIFICATE}))
    assert certificates.read(run)["onnx"]["examples_per_second"] == 640.0


_WRONG = (
    {"export": 5},
    {"export": "../elsewhere"},
    {"examples": 0},
    {"accuracy": 1.5},
    {"megabytes": "3"},
    {"passed": None},
)


@pytest.mark.parametrize(
    "content",
    [
        *("{", '{"onnx": 1}', "[]", "[" * 100_000, '{"onnx": {}}'),
        *(json.dumps({"onnx": {**CERTIFICATE, **wrong}}) for wrong in _WRONG),
    ],
    ids=range(11),
)
def test_a_damaged_file_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_text(run.export / "parity.json", content)
    with pytest.raises(errors.RunDirError, match=r"parity\.json is damaged"):
        certificates.read(run)
