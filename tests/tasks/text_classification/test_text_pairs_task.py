"""Pairs of texts, from a table to a served network."""

import csv
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.config import TextClassificationConfig
from kft.data import sample
from kft.data.labels import LabelMap
from kft.data.text import text_pairs
from tests import task_runs, tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

_WORDS = ("good", "bad")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs")
    tiny_bert.write(path / "bert")
    rng = np.random.default_rng(0)
    with (path / "pairs.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "text_b", "label"])
        for number in range(160):
            said = _WORDS[number % 2]
            first = rng.choice(["a", "film", "the"], rng.integers(1, 9))
            second = [said] * rng.integers(3, 7)
            table.writerow([" ".join(first), " ".join(second), said])
    return path


def _config(folder: Path, name: str, **changes: object) -> TextClassificationConfig:
    settings = {
        "dataset": f"csv:{folder / 'pairs.csv'}",
        "backbone": str(folder / "bert"),
        "run_dir": str(folder / name),
        "pairs": True,
        "stages": "head:6@0.1,top2:6@0.1",
        "max_length": 16,
        "batch_size": 8,
        "export": (),
    }
    return TextClassificationConfig(**{**settings, **changes})


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


def test_the_network_learns_what_the_second_text_says(train) -> None:
    assert train().validation["accuracy"] >= 0.9


def test_types_reach_the_network(folder: Path) -> None:
    config = _config(folder, "unused")
    task = tasks.get(config, LabelMap(_WORDS))
    network = task.network()
    pair = text_pairs.join(["good a", "bad film"]).encode()
    splits = tasks.load_splits(config)
    prepared = task.inputs.prepare(splits.train, training=True)
    one = sample.load(prepared, task.inputs.preprocess(training=False))[0]
    assert sorted(np.unique(one["token_types"])) == [0, 1]
    assert b"\0" in pair
    batch = {name: tensor[None] for name, tensor in one.items()}
    states = network.model.get_layer("layer_3_norm").output
    import keras

    found = keras.Model(network.model.inputs, states)(batch)
    expected = tiny_bert.forward(
        tiny_bert.tensors(), batch["token_ids"], batch["mask"], batch["token_types"]
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_the_code_of_the_model_card_asks_every_export(train) -> None:
    export = train().run_dir / "export"
    arguments = [f"--run_dir={export.parent}", "--formats=saved_model,litert,onnx"]
    assert kft_main.dispatch(["export", *arguments]) == 0
    certificates = json.loads((export / "parity.json").read_text())
    assert [one["passed"] for one in certificates.values()] == [True] * 3
    (export / "text.txt").write_text("the film")
    (export / "text_b.txt").write_text("bad bad bad bad")
    codes = re.findall("```python\n(.*?)```", (export / "README.md").read_text(), re.S)
    assert len(codes) == 3
    said = []
    for code in codes:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=export
        )
        assert done.returncode == 0, done.stderr
        label, probability = done.stdout.split()
        said.append(float(probability))
        assert label == "bad"
    assert said == pytest.approx([said[0]] * 3, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "folder:texts"}, "--pairs=true.*one text a file"),
        ({"dataset": "reviews"}, "--pairs=true.*single texts"),
        ({"max_length": 4}, "--max_length: expected at least 5 for a pair"),
        ({"csv_columns": ("text=premise",)}, "'premise' is missing"),
    ],
    ids=str,
)
def test_what_cannot_be_pairs_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    config = _config(folder, "refused", **changes)
    with pytest.raises((errors.ConfigError, errors.DataError), match=message):
        tasks.check_dataset(config)
        tasks.kind(config.task).check(config)
