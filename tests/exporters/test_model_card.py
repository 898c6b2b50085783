"""The model card: true, and its code runs as it stands."""

import collections
import contextlib
import csv
import dataclasses
import io
import json
import re
import shutil
import types
from pathlib import Path

import pytest

from kft.backbones.image import image_table
from kft.config import ExportConfig, TrainConfig
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from kft.exporters import certificates, export_run, model_card
from kft.exporters.serving_model import ServingModel
from kft.inference import answers
from kft.inference import predictor as inference_predictor
from kft.tasks.class_answers import ClassAnswers
from kft.tasks.image_classification import weights_license
from kft.tasks.image_classification.image_serving import ImageServing
from tests.exporters.conftest import Exported, encoded

FORMATS = ("saved_model", "litert", "onnx")


@pytest.fixture(scope="module")
def folder(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of exports in every format, with an image in it."""
    for package in ("ai_edge_litert", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    run = shutil.copytree(small_run, tmp_path_factory.mktemp("card") / "colours")
    export_run.export_run(
        ExportConfig(run_dir=str(run), formats=FORMATS, parity_examples=5)
    )
    image = encoded("JPEG", height=200, width=150, seed=3)
    (run / "export" / "image.jpg").write_bytes(image)
    return run / "export"


def _text(folder: Path) -> str:
    return (folder / "README.md").read_text()


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_five_lines_for_each_format_run_as_they_stand(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = re.findall(r"```python\n(.*?)```", _text(folder), re.DOTALL)
    assert len(codes) == len(FORMATS)
    assert len(codes[number].splitlines()) == 5
    monkeypatch.chdir(folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(codes[number], {})
    predictor = inference_predictor.of_run(load_run.load(str(folder.parent)))
    answer, _ = answers.predict_one(
        predictor, (folder / "image.jpg").read_bytes(), top_k=1
    )
    (expected,) = answer.content["predictions"]
    assert expected["label"] in said.getvalue()
    (probability,) = re.findall(r"0\.\d+", said.getvalue())
    # Pillow's bilinear resize is not TensorFlow's to the last gray level.
    assert float(probability) == pytest.approx(expected["probability"], abs=0.01)


def test_the_card_counts_what_split_csv_has(folder: Path) -> None:
    with open(folder.parent / "split.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for split in ("train", "validation"):
        count = sum(row["split"] == split for row in rows)
        assert f"| {split} | {count} |" in _text(folder)


def test_accuracies_have_their_interval(folder: Path) -> None:
    result = json.loads((folder.parent / "result.json").read_text())
    line = re.search(
        r"- validation accuracy ([\d.]+) \(95%: ([\d.]+) to ([\d.]+), 18 ex",
        _text(folder),
    )
    accuracy, low, high = map(float, line.groups())
    assert accuracy == pytest.approx(result["val_accuracy"], abs=1e-4)
    assert 0.1 < accuracy - low + high - accuracy < 0.5  # 18 examples say little
    assert low < accuracy < high


def test_an_export_that_is_gone_is_not_in_the_card(
    exported: Exported, folder: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(folder.parent, tmp_path / "run")
    (run / "export" / "onnx" / "model.onnx").unlink()
    network = load_run.load(str(run), precision="float32")
    model_card.write(ServingModel(network), certificates.read(network.run))
    assert "onnx" not in (run / "export" / "README.md").read_text()
    assert "litert" in (run / "export" / "README.md").read_text()


def test_the_head_is_what_model_hubs_read(folder: Path) -> None:
    yaml = pytest.importorskip("yaml")
    _, head, _ = _text(folder).split("---\n", 2)
    content = yaml.safe_load(head)
    assert content["pipeline_tag"] == "image-classification"
    # The weights of this run come from nowhere.
    assert "license" not in content
    (entry,) = content["model-index"]
    assert entry["results"][0]["dataset"]["split"] == "validation"


def test_without_validation_nothing_is_said_to_be_validated(
    exported: Exported,
) -> None:
    served = ServingModel(exported.network)

    def text(*splits: str) -> str:
        validation = {"accuracy": 0.5} if "validation" in splits else {}
        facts = model_card._Facts(
            served,
            text=exported.network.task.serving.card(),
            result=types.SimpleNamespace(validation=validation, test={}),
            counts={split: collections.Counter(a=9) for split in splits},
            certificates={},
        )
        return "\n".join(model_card._figures(facts))

    assert "chosen by the validation accuracy" in text("train", "validation")
    assert "on the same validation images" in text("train", "validation")
    assert "nothing validated them" in text("train", "test")
    assert "on the same images that it was trained on" in text("train", "test")
    assert "chosen by" not in text("train")


def test_the_card_says_who_taught_the_network(exported: Exported) -> None:
    run = exported.network

    def recipe(**changes: object) -> str:
        config = dataclasses.replace(run.config, **changes)
        facts = model_card._Facts(
            ServingModel(dataclasses.replace(run, config=config)),
            text=run.task.serving.card(),
            result=types.SimpleNamespace(stages=()),
            counts={},
            certificates={},
        )
        return "\n".join(model_card._recipe(facts))

    assert "taught by" not in recipe()
    said = recipe(teacher="runs/large", distillation_weight=0.3)
    assert r"taught by runs/large (weight 0.3, temperature 2)" in said


@pytest.mark.parametrize(
    ("backbone", "license_"),
    [
        ("EfficientNetLite0", "Apache-2.0"),
        ("ResNet50", "MIT"),
        ("VGG16", "CC-BY-4.0"),
        ("DenseNet121", "BSD-3-Clause"),
    ],
)
def test_pretrained_weights_have_the_licence_of_their_family(
    backbone: str, license_: str
) -> None:
    config = TrainConfig(backbone=backbone, weights="imagenet")
    assert f"under {license_}." in "\n".join(weights_license.terms(config))
    own = dataclasses.replace(config, weights="/weights.h5")
    assert "/weights.h5: its terms" in "\n".join(weights_license.terms(own))


def test_every_family_has_a_licence() -> None:
    assert {family.license for family in image_table.FAMILIES.values()} == {
        "Apache-2.0",
        "MIT",
        "BSD-3-Clause",
        "CC-BY-4.0",
    }


@pytest.mark.parametrize("method", ["crop", "square", "pad", "squash"])
def test_the_image_of_a_snippet_is_the_image_of_the_network(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import PIL.Image
    import PIL.ImageOps
    import tensorflow as tf

    from kft.data.image import decode, resize

    content = encoded("JPEG", height=300, width=400, seed=1)
    (tmp_path / "image.jpg").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    labels = LabelMap(("a", "b"))
    serving = ImageServing(
        TrainConfig(resize=method), ClassAnswers(labels), image_size=64
    )
    found = {"PIL": PIL}
    exec(f"image = {serving.card().code.value}", found)
    expected = resize.resize(
        decode.decode(tf.constant(content)), size=64, method=method
    )
    difference = np.abs(np.asarray(found["image"], np.float32) - expected.numpy())
    assert difference.mean() < 2
