"""What a run says, writes and keeps of its training inputs: weights, mixes, preview."""

import io
import json

import keras
import numpy as np
import pytest
from PIL import Image

from kft import errors
from kft.config import TrainConfig
from kft.data import sampling as data_sampling
from kft.tasks.image_classification.image_classification import (
    ImageClassification,
)
from kft.training import fine_tune, preview
from kft.training.monitoring.progress import SilentReporter
from tests import tiny
from tests.training.test_fine_tune import lines, run_until


class Said(SilentReporter):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def train(monkeypatch, tmp_path, solid_colours):
    """Return a function that trains a tiny network on images of three colours."""
    monkeypatch.setattr(tiny, "SHAPE", (32, 32, 3))
    monkeypatch.setattr(
        ImageClassification, "network", lambda self, weights=None: tiny.network()
    )
    folder = solid_colours(per_class=10, size=40)
    for path in sorted((folder / "cyan").iterdir())[2:]:
        path.unlink()

    def run(**changes):
        said = Said()
        options = {
            "dataset": f"folder:{folder}",
            "backbone": "EfficientNetLite0",
            "image_size": 32,
            "stages": "head:1@0.1",
            "batch_size": 8,
            "validation_fraction": 0.0,
            "export": (),
            "run_dir": str(tmp_path / "run"),
        }
        config = TrainConfig(**(options | changes))
        return fine_tune.fine_tune(config, reporter=said), said.lines

    return run


def test_a_run_of_all_kinds_of_inputs_trains_and_shows_them_first(train):
    result, said = train(
        augment="standard,color,mixup,cutmix",
        class_weight="balanced",
        sampling="balanced",
        accumulation_steps=2,
        preview=10,
    )
    assert np.isfinite(lines(result.run_dir)[0]["loss"])
    assert 0 < lines(result.run_dir)[0]["accuracy"] < 1
    assert not result.stages[0].cached
    # 22 images: 2 cyan ones, 10 of each other colour.
    text = (result.run_dir / "class_weights.csv").read_text()
    assert text.splitlines()[1] == f"cyan,2,{22 / 3 / 2}"
    weights, sampling, shows = (
        next(line for line in said if line.startswith(start))
        for start in ("--class_weight", "--sampling", str(result.run_dir))
    )
    assert (
        weights == "--class_weight=balanced: cyan 3.667, magenta 0.7333, yellow 0.7333"
    )
    assert (
        "7.333 of each class in an epoch; of cyan each example 3.67 times" in sampling
    )
    assert shows.endswith("preview.png shows the first 10 training inputs.")
    sheet = Image.open(io.BytesIO((result.run_dir / "preview.png").read_bytes()))
    assert sheet.size == (4 * (128 + 6) + 6, 3 * (128 + 6 + 26) + 6)


def test_weights_that_changed_are_refused_by_a_resume(train, tmp_path, monkeypatch):
    path = tmp_path / "weights.json"
    weights = {"cyan": 2, "magenta": 1, "yellow": 1}
    path.write_text(json.dumps(weights))
    run_until(monkeypatch, 1, lambda: train(class_weight=str(path)))
    path.write_text(json.dumps(weights | {"cyan": 3}))
    with pytest.raises(errors.DataError, match="other weights than the run began with"):
        train(class_weight=str(path))
    path.write_text(json.dumps(weights))
    (tmp_path / "run" / "class_weights.csv").unlink()
    result, _ = train(class_weight=str(path))
    assert "cyan,2,2.0" in (result.run_dir / "class_weights.csv").read_text()


def test_the_file_of_weights_is_read_once(tiny_run, tmp_path):
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"a": 2, "b": 1, "c": 1}))

    class Remove(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            path.unlink(missing_ok=True)

    tiny_run(
        "run",
        class_weight=str(path),
        stages="head:1@0.1,all:1@0.01",
        callbacks=[Remove()],
    )
    assert not path.exists()


def test_a_preview_shows_the_epoch_that_is_trained(tiny_run, monkeypatch):
    seen = []
    original = preview.first_inputs

    def noting(context, count):
        seen.append(original(context, count))
        return seen[-1]

    monkeypatch.setattr(preview, "first_inputs", noting)
    tiny_run("balanced", preview=300, stages="head:1", sampling="balanced")
    _, drawn = seen.pop()
    assert np.ptp(np.bincount(drawn)) <= 1 < np.ptp(np.bincount(tiny.pixels(70)[1]))
    result = tiny_run("run", preview=300, stages="head:1")
    ((inputs, labels),) = seen
    # An epoch has no more than 70 examples, each once, in its own order.
    pixels, of_pixels = tiny.pixels(70)
    positions = data_sampling.epoch_order(70, seed=0, epoch=0)
    np.testing.assert_array_equal(inputs, pixels[positions])
    np.testing.assert_array_equal(labels, of_pixels[positions])
    shape, *captions = (result.run_dir / "preview.png").read_text().split("\n")
    assert shape == "(70, 8, 8, 3)"
    assert captions == [tiny.Task.labels.names[label] for label in labels]


def test_a_caption_names_the_larger_shares():
    names = ("a", "b", "c")
    assert preview.caption(np.int32(2), names) == "c"
    assert preview.caption(np.array([0.25, 0.0, 0.75]), names) == "c 0.75, a 0.25"
    assert preview.caption(np.array([0.0, 1.0, 0.0]), names) == "b"


def test_a_caption_names_several_classes_and_none():
    names = ("a", "b", "c", "d", "e")
    assert preview.caption(np.array([1.0, 0, 0, 1, 0]), names) == "a, d"
    assert preview.caption(np.ones(5), names) == "a, b, c, d, ..."
    assert preview.caption(np.zeros(5), names) == ""


def test_a_caption_counts_the_steps_and_leaves_out_what_fills_up():
    steps = np.array([2, 2, 0, 2, -1, -1], np.int32)
    assert preview.caption(steps, ("a", "b", "c")) == "c x2, a, c"
