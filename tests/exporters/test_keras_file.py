"""A .keras file: what somebody finds in it who has Keras alone."""

import dataclasses
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import errors
from kft.backbones.gelu import ExactGelu
from kft.config import (
    ExportConfig,
    RunConfig,
    TextClassificationConfig,
    TrainConfig,
)
from kft.evaluation import load_run
from kft.exporters import certificates, export_run, keras_file
from kft.exporters.serving_model import ServingModel
from kft.run_folder.run_dir import RunDir
from kft.training import preflight


@pytest.fixture(scope="module")
def exported(
    small_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> export_run.Export:
    run = shutil.copytree(small_run, tmp_path_factory.mktemp("keras") / "run")
    config = ExportConfig(run_dir=str(run), formats=("keras",), parity_examples=18)
    (export,) = export_run.export_run(config)
    return export


def test_it_answers_as_the_network_in_a_process_without_kft(
    exported: export_run.Export,
) -> None:
    assert exported.certificate.passed
    assert exported.certificate.largest_difference <= 1e-4
    assert exported.certificate.without == ("kft",)
    run = RunDir(exported.path.parents[2])
    assert certificates.read(run)["keras"]["export"] == "keras/model.keras"


def test_keras_alone_opens_it_and_trains_on(exported: export_run.Export) -> None:
    code = (
        "import sys, keras, numpy\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "model.compile(keras.optimizers.SGD(0.1), 'sparse_categorical_crossentropy')\n"
        "before = [weight.numpy() for weight in model.trainable_weights]\n"
        "images = numpy.full([2, *model.input_shape[1:]], 90, 'uint8')\n"
        "model.fit(images, numpy.array([0, 2]), verbose=0)\n"
        "after = model.trainable_weights\n"
        "moved = [bool((a.numpy() != b).any()) for a, b in zip(after, before)]\n"
        "print(len(moved) > 2 and all(moved[-2:]), 'kft' in sys.modules)\n"
    )
    found = subprocess.run(
        [sys.executable, "-P", "-c", code, str(exported.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["True", "False"]


def test_labels_and_metadata_are_in_the_file(exported: export_run.Export) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.read("labels.txt") == b"cyan\nmagenta\nyellow\n"
    names, metadata = keras_file.read_metadata(exported.path)
    assert names == ("cyan", "magenta", "yellow")
    assert metadata["image_size"] == 64


def test_the_model_card_has_code_that_runs(
    exported: export_run.Export, tmp_path: Path
) -> None:
    pixels = np.full([80, 90, 3], [255, 255, 0], np.uint8)
    folder = exported.path.parents[1]
    keras.utils.save_img(folder / "image.jpg", pixels, scale=False)
    card = (folder / "README.md").read_text()
    (code,) = re.findall(r"```python\n(import keras.*?)```", card, re.S)
    found = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split()[0] in ("cyan", "magenta", "yellow")


def test_layers_that_keras_does_not_know_are_named(small_run: Path) -> None:
    run = load_run.load(str(small_run), precision="float32")
    inputs = keras.Input([4])
    own = keras.Model(inputs, ExactGelu(name="gelu")(inputs))
    network = dataclasses.replace(run.network, model=own)
    served = ServingModel(dataclasses.replace(run, network=network))
    assert keras_file.unfit(served) == (
        "these layers of it are kft's own: gelu (ExactGelu)"
    )
    assert keras_file.unfit(ServingModel(run)) == ""


@pytest.mark.parametrize(
    "config",
    [
        TextClassificationConfig(dataset="csv:none.csv", weights="none"),
        TrainConfig(backbone="./vit", weights="none"),
    ],
    ids=lambda config: config.backbone,
)
def test_networks_of_other_layers_are_refused_before_they_train(
    config: RunConfig,
) -> None:
    config = dataclasses.replace(config, export=("saved_model", "keras"))
    told = "--export=keras: layers of the network are kft's own"
    with pytest.raises(errors.ConfigError, match=told):
        preflight.check_options(config)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="model.keras"):
        keras_file.open_export(str(path))
