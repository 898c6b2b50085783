"""TensorBoard's files, read back as it reads them."""

import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from kft.config import TrainConfig
from kft.data import fonts
from kft.evaluation.evaluate_run import Evaluation
from kft.evaluation.prediction_files import PredictionSource
from kft.metrics import classification
from kft.metrics.predictions import Predictions
from kft.reporting import tensorboard
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.tasks.metric import Metric


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return _finished(RunDir(tmp_path), {"accuracy": 0.75})


def _finished(run: RunDir, validation: dict[str, float]) -> RunDir:
    """Write the result of a run, and return it."""
    result = RunResult(
        run_dir=run.path,
        monitor="val_accuracy",
        higher_is_better=True,
        validation=validation,
        test={},
        best_stage="head",
        best_epoch=1,
        seconds=1.0,
        startup_seconds={},
        stages=(),
    )
    run.write_json(run.result_json, result.to_json())
    return run


def _evaluation(run: RunDir) -> Evaluation:
    labels = np.array([0, 0, 1, 1])
    logits = np.eye(2)[[0, 0, 1, 0]]
    names = ("cat", "dog")
    return Evaluation(
        run,
        PredictionSource("folder:x", "validation", "0", names),
        Predictions(np.array(list("abcd")), labels, logits),
        classification.measure(logits, labels, names),
        Metric("accuracy"),
    )


def test_settings_figure_and_confusion_are_there_once(run: RunDir) -> None:
    config = TrainConfig(learning_rate=0.02, export=("litert", "onnx"))
    for _ in range(2):
        tensorboard.write(run, config, _evaluation(run))
    (path,) = run.tensorboard.iterdir()

    read = event_accumulator.EventAccumulator(str(path), size_guidance={})
    read.Reload()
    (figure,) = read.Tensors("best_val_accuracy")
    assert tf.make_ndarray(figure.tensor_proto) == pytest.approx(0.75)
    (image,) = read.Tensors("confusion_validation")
    width, height, png = tf.make_ndarray(image.tensor_proto)
    assert tf.io.decode_png(png).shape == (int(height), int(width), 4)
    content = read.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    values = data.session_start_info.hparams
    assert values["learning_rate"].number_value == 0.02
    assert values["export"].string_value == "litert,onnx"
    assert values["deterministic"].bool_value is False
    assert values["patience"].string_value == "none"


def test_a_run_that_nothing_judges_has_its_settings(run: RunDir) -> None:
    _finished(run, {})
    tensorboard.write(run, TrainConfig(), None)
    (path,) = run.tensorboard.iterdir()
    read = event_accumulator.EventAccumulator(str(path), size_guidance={})
    read.Reload()
    assert read.Tags()["tensors"] == ["_hparams_/session_start_info"]


def test_the_darkest_cells_are_the_largest_shares() -> None:
    names = [f"class {number}" for number in range(50)]
    confusion = np.zeros((50, 50), int)
    confusion[:25, 0] = 7
    confusion[25:, 49] = 7
    pixels = tensorboard.confusion_drawing(confusion, names)[..., :3].mean(axis=-1)
    dark = np.argwhere(pixels < 80)
    # The first column above, the last one below.
    middle = dark[:, 0].mean()
    upper, lower = dark[dark[:, 0] < middle], dark[dark[:, 0] > middle]
    assert np.median(upper[:, 1]) < np.median(lower[:, 1]) - pixels.shape[1] / 2


@pytest.mark.parametrize("classes", [2, 15, 40, 300])
def test_any_number_of_classes_can_be_drawn(classes: int) -> None:
    names = [f"class {number}" for number in range(classes)]
    image = tensorboard.confusion_drawing(np.eye(classes, dtype=int), names)
    assert 300 <= image.shape[0] <= 2000


def test_class_names_are_no_formulas() -> None:
    image = tensorboard.confusion_drawing(
        np.eye(2, dtype=int), ["$\\frac$", "$5 or $_"]
    )
    assert image.shape[0] >= 300


def test_what_could_not_be_drawn_leaves_no_file(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> np.ndarray:
        raise ValueError("no font")

    with monkeypatch.context() as patch:
        patch.setattr(tensorboard, "confusion_drawing", fail)
        with pytest.raises(ValueError, match="no font"):
            tensorboard.write(run, TrainConfig(), _evaluation(run))
    tensorboard.write(run, TrainConfig(), _evaluation(run))
    assert len(list(run.tensorboard.iterdir())) == 1


def test_names_that_no_font_has_are_numbers_and_nobody_is_warned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = np.eye(3, dtype=int)
    # Warnings are errors here. Of the last letter there is no font anywhere.
    tensorboard.confusion_drawing(counts, ["\u7fd8\u5934", "\U0001f600", "\U000e0fff"])
    lacking = tensorboard.confusion_drawing(counts, ["\U000e0fff", "b", "c"])
    numbers = tensorboard.confusion_drawing(counts, ["0", "1", "2"])
    np.testing.assert_array_equal(lacking, numbers)


def test_other_fonts_are_asked_for_letters_that_the_usual_one_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual, *_ = fonts.families(["cat"])
    manager = fonts.font_manager.fontManager
    others = [
        types.SimpleNamespace(name=name, fname=name) for name in ("Zzz", "Han", "Abc")
    ]
    monkeypatch.setattr(manager, "ttflist", others)
    letters = {"Han": {0x7FD8, 0x5934}, "Zzz": {0x7FD8}}
    monkeypatch.setattr(fonts, "letters", lambda path: letters.get(path, {99}))
    assert fonts.families(["c"]) == [usual]
    assert fonts.families(["c\u7fd8\u5934"]) == [usual, "Han"]
    assert fonts.families(["\u7fd8x"]) is None
