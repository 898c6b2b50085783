"""The command, on a real finished run."""

import csv
import dataclasses
import json
import os
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from kft import errors, evaluate
from kft.cli import command
from kft.config import EvaluateConfig
from kft.data.examples import Examples
from kft.data.image import decode, resize
from kft.evaluation import evaluate_run as evaluation
from kft.evaluation import load_run, run_split
from kft.metrics import scores
from kft.metrics.classification import ClassificationFigures
from kft.metrics.predictions import Predictions
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir
from tests.counted_bar import CountedBar


def _validation_files(run: Path) -> list[tuple[Path, str]]:
    with open(run / "split.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "validation"]
    return [(run.parent / "images" / row["id"], row["label"]) for row in rows]


def test_a_bar_counts_every_example_once(finished_run: Path) -> None:
    bar = CountedBar()
    evaluation.evaluate(EvaluateConfig(run_dir=str(finished_run)), bar=bar)
    # 18 in batches of 7, the last of which is filled up.
    assert bar.steps == {"examples": [18, 7, 7, 4]}


def _logits(run: Path, files: list[Path]) -> np.ndarray:
    """Return the network's logits of images, without pipeline and batches."""
    model: keras.Model = load_run.load(str(run)).model
    return model.predict_on_batch(np.stack([_square(path) for path in files]))


def _square(path: Path) -> np.ndarray:
    image = decode.decode(tf.constant(path.read_bytes()))
    return resize.resize(image, size=64, method="crop").numpy()


def test_figures_equal_numpy_over_all_images_at_once(finished_run: Path) -> None:
    files, names = zip(*_validation_files(finished_run), strict=True)
    assert len(files) % 7  # the last batch is a part of one
    logits = _logits(finished_run, list(files))
    labels = [sorted(set(names)).index(name) for name in names]

    result = evaluation.evaluate(EvaluateConfig(run_dir=str(finished_run)))

    figures = result.figures
    assert figures.examples == len(files)
    assert figures.accuracy == np.mean(logits.argmax(-1) == labels)
    log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -log_softmax[np.arange(len(labels)), labels].mean()
    assert figures.loss == pytest.approx(loss, abs=1e-5)
    found = dict(zip(result.predictions.ids, result.predictions.logits, strict=True))
    by_hand = np.stack(
        [found[f"{name}/{file.name}"] for file, name in zip(files, names, strict=True)]
    )
    assert by_hand == pytest.approx(logits, abs=1e-5)


def test_figures_are_those_of_the_end_of_training(finished_run: Path) -> None:
    trained_result = json.loads((finished_run / "result.json").read_text())
    result = evaluation.evaluate(EvaluateConfig(run_dir=str(finished_run)))
    figures = result.figures
    assert figures.accuracy == pytest.approx(trained_result["val_accuracy"])
    assert figures.loss == pytest.approx(trained_result["val_loss"], abs=1e-6)


def test_the_command_prints_and_keeps_the_figures(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    arguments = [f"--run_dir={run}", "--split=train"]
    assert command.execute(evaluate.COMMAND, arguments) == command.EXIT_OK
    kept = json.loads((run / "evaluation.json").read_text())
    assert (kept["split"], kept["examples"]) == ("train", 42)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    low, high = kept["accuracy_interval"]
    shown = f"accuracy {kept['accuracy']:.4f} {low:.4f} to {high:.4f}"
    assert shown.split() in rows


def test_an_accuracy_below_the_bar_is_an_exit_code_of_its_own(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    arguments = [f"--run_dir={run}", "--assert_accuracy_at_least=1"]
    assert command.execute(evaluate.COMMAND, arguments) == 3
    assert "accuracy is 0." in capsys.readouterr().err
    assert (run / "evaluation.json").is_file()


def test_what_the_folder_keeps_is_not_predicted_twice(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_dir.at(str(shutil.copytree(finished_run, tmp_path / "run")))
    first = evaluation.of_split(run, "validation")

    def fail(run: load_run.LoadedRun, examples: Examples, **bar: object) -> Predictions:
        raise RuntimeError(f"predicts {len(examples)}")

    monkeypatch.setattr(evaluation, "predict", fail)
    run.evaluation_json.unlink()
    again = evaluation.of_split(run, "validation")
    assert again.figures == first.figures
    np.testing.assert_array_equal(again.predictions.logits, first.predictions.logits)
    kept = json.loads(run.evaluation_json.read_text())
    assert kept == json.loads(json.dumps(first.to_json()))

    with pytest.raises(RuntimeError, match="predicts 42"):
        evaluation.of_split(run, "train")
    content = run.predictions.read_bytes()
    run.predictions.write_bytes(content[:-100])
    with pytest.raises(RuntimeError, match="predicts 18"):
        evaluation.of_split(run, "validation")
    run.predictions.write_bytes(content)
    with h5py.File(run.best_weights, "a") as file:
        file.attrs["other"] = "weights"
    with pytest.raises(RuntimeError, match="predicts 18"):
        evaluation.of_split(run, "validation")


def _without_data(finished_run: Path, folder: Path) -> RunDir:
    """Return a copy of the run whose data is gone."""
    run = run_dir.at(str(shutil.copytree(finished_run, folder / "run")))
    config = json.loads(run.config_json.read_text())
    config["dataset"] = f"folder:{folder / 'gone'}"
    run.config_json.write_text(json.dumps(config))
    return run


def test_without_its_data_a_run_is_measured_by_the_predictions_that_it_keeps(
    finished_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = _without_data(finished_run, tmp_path)
    asked = EvaluateConfig(run_dir=str(run.path))
    with pytest.raises(run_split.ExamplesGoneError, match="--data=folder:PLACE"):
        evaluation.evaluate(asked)
    # Where the data lies: the examples of the run, so its split and its name.
    place = f"--data=folder:{finished_run.parent / 'images'}"
    assert command.execute(evaluate.COMMAND, [str(run.path), place]) == 0
    kept = json.loads(run.evaluation_json.read_text())
    assert (kept["split"], kept["examples"]) == ("validation", 18)
    assert kept["data"] == run_dir.read_config(run).dataset
    found = evaluation.evaluate(asked)
    assert json.loads(json.dumps(found.to_json())) == kept
    assert "predictions that the run keeps" in capsys.readouterr().err
    with pytest.raises(run_split.ExamplesGoneError):
        evaluation.evaluate(dataclasses.replace(asked, split="train"))


def test_a_run_that_cannot_be_written_is_measured_with_out(
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(finished_run.rglob("*"))
    out = tmp_path / "new" / "out"
    # Root may write to what is read-only for others.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path)
    assert command.execute(evaluate.COMMAND, [str(finished_run)]) == 2
    assert "--out=FOLDER" in capsys.readouterr().err
    assert command.execute(evaluate.COMMAND, [str(finished_run), f"--out={out}"]) == 0
    assert (out / "evaluation.json").is_file()
    assert (out / "predictions.npz").is_file()
    assert sorted(finished_run.rglob("*")) == before


def test_names_of_columns_are_about_other_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path), "--csv_columns=path=file"]
    assert command.execute(evaluate.COMMAND, arguments) == 2
    assert "--csv_columns is about --data" in capsys.readouterr().err


def test_what_was_evaluated_on_request_is_not_replaced(
    finished_run: Path, tmp_path: Path
) -> None:
    run = run_dir.at(str(shutil.copytree(finished_run, tmp_path / "run")))
    evaluation.keep(
        evaluation.evaluate(EvaluateConfig(run_dir=str(run.path), split="train"))
    )
    kept = [run.evaluation_json.read_bytes(), run.predictions.read_bytes()]
    found = evaluation.of_split(run, "validation")
    assert (found.source.split, found.figures.examples) == ("validation", 18)
    assert kept == [run.evaluation_json.read_bytes(), run.predictions.read_bytes()]


def test_with_views_the_figures_are_of_their_mean_and_kept_as_such(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_dir.at(str(shutil.copytree(finished_run, tmp_path / "run")))
    plain = evaluation.of_split(run, "validation")
    run.evaluation_json.unlink()
    assert command.execute(evaluate.COMMAND, [str(run.path), "--tta=flip"]) == 0
    # However many characters the place of the data takes.
    said = " ".join(capsys.readouterr().out.split())
    assert "18 examples, mean over --tta=flip" in said
    assert json.loads(run.evaluation_json.read_text())["tta"] == "flip"

    views = evaluation.evaluate(EvaluateConfig(run_dir=str(run.path), tta="flip"))
    with np.load(run.predictions) as kept:
        np.testing.assert_array_equal(kept["logits"], views.predictions.logits)
    model = load_run.load(str(run.path)).model
    files, _ = zip(*_validation_files(finished_run), strict=True)
    images = np.stack([_square(path) for path in files])
    both = [
        scores.softmax(model.predict_on_batch(one))
        for one in (images, images[:, :, ::-1])
    ]
    found = dict(zip(views.predictions.ids, views.predictions.logits, strict=True))
    logits = np.stack([found[f"{path.parent.name}/{path.name}"] for path in files])
    rows = scores.softmax(logits)
    assert rows == pytest.approx(np.mean(both, axis=0), abs=1e-5)
    assert np.abs(rows - both[0]).max() > 1e-3

    # What was asked for stays, and is not taken for what the network alone says.
    again = evaluation.of_split(run, "validation")
    assert again.predictions.logits == pytest.approx(plain.predictions.logits, abs=1e-5)
    assert json.loads(run.evaluation_json.read_text())["tta"] == "flip"


def test_views_that_there_are_not_are_refused(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.execute(evaluate.COMMAND, [str(finished_run), "--tta=flop"]) == 2
    assert "--tta: expected one of flip" in capsys.readouterr().err


def test_a_run_is_judged_by_validation_else_by_test(tmp_path: Path) -> None:
    run = run_dir.at(str(tmp_path))
    for names, expected in (
        ("train test validation", "validation"),
        ("train test", "test"),
        ("train", None),
    ):
        rows = [f"{name}.jpg,a,{name}" for name in names.split()]
        run.split_csv.write_text("\n".join(["id,label,split", *rows]))
        assert evaluation.judging_split(run) == expected


def _evaluate_folder(run: Path, folder: Path) -> ClassificationFigures:
    found = evaluation.evaluate(
        EvaluateConfig(run_dir=str(run), data=f"folder:{folder}")
    )
    return found.figures


def test_other_data_counts_as_a_whole_with_classes_matched_by_name(
    finished_run: Path, tmp_path: Path
) -> None:
    # Without cyan, magenta would be class 0 of the folder; in the run it is 1.
    images = finished_run.parent / "images"
    for name in ("magenta", "yellow"):
        shutil.copytree(images / name, tmp_path / name)
    files = sorted(tmp_path.glob("*/*.jpg"))
    labels = [("cyan", "magenta", "yellow").index(path.parent.name) for path in files]

    figures = _evaluate_folder(finished_run, tmp_path)

    assert figures.examples == 40
    hits = _logits(finished_run, files).argmax(-1) == labels
    assert figures.accuracy == np.mean(hits)
    cyan = figures.classes[0]
    assert (cyan.label, cyan.examples, cyan.recall) == ("cyan", 0, None)


def test_other_data_with_a_strange_class_is_an_error_that_names_it(
    finished_run: Path, tmp_path: Path
) -> None:
    images = finished_run.parent / "images"
    shutil.copytree(images / "cyan", tmp_path / "cyan")
    shutil.copytree(images / "yellow", tmp_path / "yelow")
    with pytest.raises(errors.DataError, match=r"yelow.*Did you mean yellow") as info:
        _evaluate_folder(finished_run, tmp_path)
    lines = str(info.value).splitlines()
    assert "  the run:  cyan, magenta, yellow" in lines
    assert "  the data: cyan, yelow" in lines


def _moved(finished_run: Path, folder: Path) -> Path:
    """Copy run and images, so that the images may be changed."""
    shutil.copytree(finished_run.parent, folder, dirs_exist_ok=True)
    config = folder / "run" / "config.json"
    values = json.loads(config.read_text())
    values["dataset"] = f"folder:{folder / 'images'}"
    config.write_text(json.dumps(values))
    return folder / "run"


def test_images_added_since_do_not_count(finished_run: Path, tmp_path: Path) -> None:
    run = _moved(finished_run, tmp_path)
    for number in range(50):
        new = tmp_path / "images" / "cyan" / f"new{number}.jpg"
        shutil.copy(tmp_path / "images" / "yellow" / "0040.jpg", new)
    before = evaluation.evaluate(EvaluateConfig(run_dir=str(finished_run)))
    after = evaluation.evaluate(EvaluateConfig(run_dir=str(run)))
    assert after.figures.examples == before.figures.examples
    assert after.figures.loss == pytest.approx(before.figures.loss, abs=1e-6)


def test_a_missing_example_is_named(finished_run: Path, tmp_path: Path) -> None:
    run = _moved(finished_run, tmp_path)
    gone, _ = _validation_files(run)[3]
    gone.unlink()
    with pytest.raises(errors.DataError, match=f"1 of the 18 .*{gone.name}"):
        evaluation.evaluate(EvaluateConfig(run_dir=str(run)))


def test_a_damaged_example_is_named(finished_run: Path, tmp_path: Path) -> None:
    run = _moved(finished_run, tmp_path)
    bad, _ = _validation_files(run)[3]
    bad.write_bytes(b"no image")
    with pytest.raises(errors.DataError, match=bad.name):
        evaluation.evaluate(EvaluateConfig(run_dir=str(run)))


def test_a_split_that_the_run_has_not_is_an_error(finished_run: Path) -> None:
    with pytest.raises(errors.RunDirError, match="--split=test.* train, validation"):
        evaluation.evaluate(EvaluateConfig(run_dir=str(finished_run), split="test"))
