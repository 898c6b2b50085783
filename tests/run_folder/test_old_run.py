"""A run folder of version 0.1.0, and what that version said of it.

`tools/make_old_run.py` made both.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kft import evaluate, export, predict, report
from kft.cli import command
from kft.evaluation import evaluate_run
from kft.run_folder import run_dir

OLD = Path(__file__).parent / "old_run"
EXPECTED = json.loads((OLD / "expected.json").read_text())
# Other processors and versions of TensorFlow round otherwise.
EXACT = 1e-4


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the run; its data set is `folder:images` below its parent."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


def _execute(one: command.Command, *arguments: str) -> None:
    assert command.execute(one, ["--run_dir=run", *arguments]) == command.EXIT_OK


def _assert_same(found: Any, expected: Any) -> None:
    """Check that all of what is expected is found; there may be more."""
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            _assert_same(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _assert_same(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=EXACT)
    else:
        assert found == expected


def test_it_is_worth_what_it_was(run: Path) -> None:
    with np.load(run / "predictions.npz") as arrays:
        before = {name: arrays[name] for name in ("ids", "labels", "logits")}
    assert np.ptp(before["logits"], axis=0).min() > 0.1
    (run / "predictions.npz").unlink()
    (run / "evaluation.json").unlink()
    _execute(evaluate.COMMAND)
    found = json.loads((run / "evaluation.json").read_text())
    _assert_same(found, EXPECTED["evaluation"])
    with np.load(run / "predictions.npz") as arrays:
        np.testing.assert_array_equal(arrays["ids"], before["ids"])
        np.testing.assert_array_equal(arrays["labels"], before["labels"])
        np.testing.assert_allclose(arrays["logits"], before["logits"], atol=EXACT)


def test_its_predictions_need_not_be_made_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(config: object) -> None:
        raise AssertionError(f"predicts {config}")

    monkeypatch.setattr(evaluate_run, "evaluate", fail)
    found = evaluate_run.of_split(run_dir.at("run"), "validation")
    _assert_same(found.figures.to_json(), _figures())


def _figures() -> dict[str, Any]:
    of_run = ("run_dir", "data", "split", "temperature", "served_loss", "served_ece")
    return {k: v for k, v in EXPECTED["evaluation"].items() if k not in of_run}


def test_it_answers_what_it_did(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [one["file"] for one in EXPECTED["answers"]]
    _execute(predict.COMMAND, "--format=jsonl", *files)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    _assert_same(answers, EXPECTED["answers"])
    said = {one["predictions"][0]["label"] for one in answers}
    assert len(said) > 1


def test_its_export_answers_as_it_does_and_its_report_is_whole(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _execute(export.COMMAND, "--formats=saved_model")
    parity = json.loads((run / "export" / "parity.json").read_text())
    assert parity["saved_model"]["passed"]
    _execute(report.COMMAND)
    accuracy = EXPECTED["evaluation"]["accuracy"]
    assert f"{accuracy:.1%} of the 8 validation examples" in capsys.readouterr().out
    page = (run / "report.html").read_text()
    for text in ("top1", "MobileNetV3Small", "Exports", "data:image/jpeg"):
        assert text in page
