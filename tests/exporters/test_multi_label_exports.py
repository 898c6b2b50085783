"""Images of any number of classes: a run, its exports in every format, its card."""

import contextlib
import csv
import dataclasses
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kft
from kft import __main__ as kft_main
from kft import errors
from kft.config import ExportConfig, TrainConfig
from kft.evaluation import evaluate_run, load_run
from kft.exporters import export_run
from kft.inference import demo_server, find_model, load_export, predictor
from kft.reporting import comparison
from kft.training import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests.exporters.conftest import SIZE

FORMATS = ("saved_model", "litert", "onnx")
COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


def _image(has: dict[str, int], rng: np.random.Generator) -> bytes:
    """Return an image with a stripe of each colour that is there."""
    pixels = rng.normal(60, 10, (SIZE, SIZE, 3))
    for place, (name, colour) in enumerate(COLOURS.items()):
        if has[name]:
            pixels[20 * place : 20 * place + 20] = colour
    content = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run, its images and exports of every format."""
    for package in ("ai_edge_litert", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    path = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    with (path / "stripes.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["path", *COLOURS])
        table.writeheader()
        for number in range(80):
            has = {name: number >> i & 1 for i, name in enumerate(COLOURS)}
            (path / f"{number:02d}.png").write_bytes(_image(has, rng))
            table.writerow({"path": f"{number:02d}.png", **has})
    fine_tune.fine_tune(_config(path), reporter=SilentReporter())
    export_run.export_run(ExportConfig(run_dir=str(path / "run"), formats=FORMATS))
    return path


def _config(path: Path, **changes: object) -> TrainConfig:
    config = TrainConfig(
        dataset=f"csv:{path / 'stripes.csv'}",
        multi_label=True,
        label_columns=tuple(COLOURS),
        validation_fraction=0.3,
        backbone="MobileNet",
        weights="none",
        image_size=SIZE,
        stages="head:1@1e-1,all:8@3e-2",
        augment="mixup@0.2,cutmix",
        class_weight="balanced",
        label_smoothing=0.02,
        batch_size=8,
        preview=4,
        run_dir=str(path / "run"),
    )
    return dataclasses.replace(config, **changes)


def test_mixed_and_weighted_images_are_learned(folder: Path) -> None:
    result = json.loads((folder / "run" / "result.json").read_text())
    # Every second switch is on, so that saying everything has 2 / 3.
    assert result["val_micro_f1"] > 0.75
    assert (folder / "run" / "preview.png").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_alone_says_what_the_run_says(folder: Path, name: str) -> None:
    run = folder / "run"
    certificate = json.loads((run / "export" / "parity.json").read_text())[name]
    assert certificate["passed"] and certificate["top1_agreement"] == 1.0
    assert certificate["accuracy"] is None
    files = [folder / f"{number:02d}.png" for number in (0, 3, 5, 7)]
    expected = kft.load(run).predict(files)
    assert len({one.content["labels"] for one in expected}) > 1
    found = kft.load(run / "export" / certificate["export"]).predict(files)
    for one, other in zip(found, expected, strict=True):
        assert one.content["labels"] == other.content["labels"]
        for a, b in zip(*(x.content["predictions"] for x in (one, other)), strict=True):
            assert a == {**b, "probability": pytest.approx(b["probability"], abs=1e-4)}


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_the_code_of_the_card_says_the_same_labels(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = folder / "run" / "export"
    shutil.copy(folder / "05.png", export / "image.jpg")
    card = (export / "README.md").read_text()
    codes = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(codes[number].splitlines()) == 5
    monkeypatch.chdir(export)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(codes[number], {})
    (answer,) = kft.load(export.parent).predict([folder / "05.png"])
    assert sorted(re.findall(r"'(\w+)'", said.getvalue())) == sorted(
        answer.content["labels"]
    )


def test_the_card_says_when_a_class_is_said(folder: Path) -> None:
    card = (folder / "run" / "export" / "README.md").read_text()
    assert "Says which of 3 classes, any number of them, an image shows" in card
    assert "thresholds.txt" in card
    assert "metrics: [{type: micro_f1" in card
    assert "one of its classes" not in card


def test_a_lite_model_says_that_probabilities_do_not_share(folder: Path) -> None:
    content = (folder / "run/export/litert/model.tflite").read_bytes()
    assert b"each in [0, 1] by itself" in content
    assert b"they sum to 1" not in content


def test_a_temperature_is_not_fitted_to_it(folder: Path) -> None:
    config = ExportConfig(run_dir=str(folder / "run"), calibrate=True)
    with pytest.raises(errors.ConfigError, match="--calibrate .* other labels"):
        export_run.export_run(config)


def test_other_data_and_the_demo_and_comparisons_take_it(
    folder: Path, tmp_path: Path
) -> None:
    run = folder / "run"
    lines = ["path,red,green,blue", "01.png,1,0,0", "06.png,0,1,1"]
    for name in ("01.png", "06.png"):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / "others.csv").write_text("\n".join(lines))
    found = kft.load(run).evaluate(f"csv:{tmp_path / 'others.csv'}")
    assert (found.figures.examples, found.figures.labels) == (2, 3)
    model, view = load_export.with_view(find_model.find(str(run)))
    service = demo_server.DemoService(model, view=view, top_k=5)
    answer = service.answer((folder / "07.png").read_bytes())
    assert set(answer) == {"labels", "predictions", "seen", "explanation"}
    assert len(answer["predictions"]) == 3
    other = shutil.copytree(run, tmp_path / "other")
    compared = comparison.compare([str(run), str(other)], str(tmp_path / "page.html"))
    assert [one.figures[0].title for one in compared.runs] == ["mAP", "mAP"]
    assert "is not tested" in compared.pairs[0].verdict.replace(
        "not tested", "is not tested"
    )


def test_an_audit_counts_each_class(folder: Path, tmp_path: Path) -> None:
    flags = [f"--dataset=csv:{folder / 'stripes.csv'}", "--multi_label"]
    flags += [f"--label_columns={','.join(COLOURS)}", f"--out={tmp_path / 'audit'}"]
    assert kft_main.dispatch(["audit", *flags]) in (0, None)
    found = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert {sum(one.values()) for one in found["counts"].values()} == {40}


def test_a_run_is_measured_as_training_measured_it(folder: Path) -> None:
    run = load_run.load(str(folder / "run"))
    result = json.loads((folder / "run" / "result.json").read_text())
    figures = evaluate_run.of_split(run.run, "validation").figures.to_json()
    for name in ("loss", "micro_f1", "precision", "recall"):
        assert figures[name] == pytest.approx(result[f"val_{name}"], abs=1e-5)
    assert predictor.of_run(run).task.objective.monitor.name == "micro_f1"
