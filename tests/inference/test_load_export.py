"""Predictions of exports, by what is inside them alone, and of their run."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from kft import errors, predict
from kft.cli import command as cli_command
from kft.config import ExportConfig
from kft.evaluation import calibrated_temperature
from kft.exporters import export_run
from kft.inference import find_model
from kft.metrics import calibration
from kft.run_folder.run_dir import RunDir
from tests.exporters.conftest import encoded

CALIBRATION = calibration.Calibration(
    temperature=0.25,
    examples=18,
    loss_before=1.0,
    loss_after=0.9,
    ece_before=0.3,
    ece_after=0.1,
)
PLACES = {
    "saved_model": "saved_model/1",
    "litert": "litert/model.tflite",
    "onnx": "onnx/model.onnx",
    "keras": "keras/model.keras",
}


@pytest.fixture(scope="module")
def calibrated(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run with a temperature, exported to every format."""
    for package in ("ai_edge_litert", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    run = shutil.copytree(small_run, tmp_path_factory.mktemp("calibrated") / "run")
    calibrated_temperature.record(RunDir(run), CALIBRATION)
    export_run.export_run(
        ExportConfig(run_dir=str(run), formats=tuple(PLACES), parity_examples=4)
    )
    return run


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    shapes = [("JPEG", 90, 70), ("PNG", 64, 64), ("WEBP", 31, 200)]
    paths = []
    for seed, (kind, height, width) in enumerate(shapes):
        paths.append(folder / f"{seed}.{kind.lower()}")
        paths[-1].write_bytes(encoded(kind, height=height, width=width, seed=seed))
    bad = folder / "bad.jpg"
    bad.write_bytes(paths[0].read_bytes()[:300])
    return [paths[0], bad, *paths[1:]]


def _predict(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict]:
    """Return the rows that the command writes in this process."""
    command = ["--format=jsonl", "--top_k=3", *map(str, arguments)]
    with pytest.raises(SystemExit, match="1 of 4 files could not be read"):
        cli_command.execute(predict.COMMAND, command)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _probabilities(row: dict) -> np.ndarray:
    pairs = {one["class_id"]: one["probability"] for one in row["predictions"]}
    return np.array([pairs[index] for index in range(3)])


@pytest.mark.parametrize("name", PLACES)
def test_an_export_alone_predicts_what_its_run_does(
    name: str,
    calibrated: Path,
    files: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = _predict(capsys, f"--run_dir={calibrated}", *files)
    export = calibrated / "export" / PLACES[name]
    # Elsewhere, so that nothing beside it can be read.
    alone = tmp_path / export.name
    (shutil.copytree if export.is_dir() else shutil.copy)(export, alone)
    rows = _predict(capsys, f"--model={alone}", *files)
    assert [row["file"] for row in rows] == [str(path) for path in files]
    assert ["error" in row for row in rows] == [False, True, False, False]
    for row, other in zip(rows, expected, strict=True):
        labels = [one["label"] for one in row["predictions"]]
        assert labels == [one["label"] for one in other["predictions"]]
        if labels:
            np.testing.assert_allclose(
                _probabilities(row), _probabilities(other), atol=1e-4
            )


def test_the_temperature_of_the_run_sharpens_what_predict_says(
    small_run: Path,
    calibrated: Path,
    files: list[Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = _predict(capsys, f"--model={small_run}", *files)
    served = _predict(capsys, f"--model={calibrated}", *files)
    for before, after in zip(plain, served, strict=True):
        if before["predictions"]:
            powers = _probabilities(before) ** (1 / CALIBRATION.temperature)
            np.testing.assert_allclose(
                _probabilities(after), powers / powers.sum(), atol=1e-5
            )


def test_certificates_have_the_temperature_of_the_run(calibrated: Path) -> None:
    kept = json.loads((calibrated / "export" / "parity.json").read_text())
    assert set(kept) == set(PLACES)
    for one in kept.values():
        assert one["passed"]
        found = (one["temperature"], one["ece_before"], one["ece_after"])
        assert found == (0.25, 0.3, 0.1)


_WHOLE = dataclasses.asdict(CALIBRATION)
_BEYOND = [json.dumps({**_WHOLE, "temperature": t}) for t in (0.0, -1.0, 1e308)]


@pytest.mark.parametrize("content", ["{}", "[", '{"x": 1}', *_BEYOND])
def test_a_damaged_calibration_is_an_error_that_says_what_to_do(
    content: str, tmp_path: Path
) -> None:
    run = RunDir(tmp_path)
    assert calibrated_temperature.of_run(run) == 1.0
    run.write_text(run.export / "calibration.json", content)
    with pytest.raises(errors.RunDirError, match="calibration.json is damaged"):
        calibrated_temperature.of_run(run)


def test_of_versions_the_last_is_asked(tmp_path: Path) -> None:
    for version in ("2", "10", ".tmp-x"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    assert find_model.find(str(tmp_path)) == find_model.ModelPath(
        "saved_model", tmp_path / "10"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "received neither"),
        (["--run_dir=a", "--model=b"], "received both"),
        (["--model=nothing"], "there is no nothing"),
        ([f"--model={os.devnull}"], "expected a run folder"),
        (["--model=tests"], "neither config.json"),
    ],
)
def test_a_model_that_is_none_is_a_mistake(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli_command.execute(predict.COMMAND, [*arguments, "a.jpg"])
    assert code == cli_command.EXIT_USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "saved_model.pb"])
def test_a_damaged_export_is_a_mistake(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(b"nothing")
    model = tmp_path if name == "saved_model.pb" else path
    code = cli_command.execute(predict.COMMAND, [f"--model={model}", "a.jpg"])
    assert code == cli_command.EXIT_USAGE
    assert "Export it again" in capsys.readouterr().err
