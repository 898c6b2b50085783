"""Runs whose predictions are kept, compared without their networks."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.config import RunConfig, TrainConfig
from kft.evaluation import evaluate_run, prediction_files
from kft.evaluation.prediction_files import PredictionSource
from kft.metrics import significance
from kft.metrics.figures import Figure
from kft.metrics.predictions import Predictions
from kft.reporting import comparison, run_record
from kft.reporting.comparison import ComparedRun
from kft.reporting.run_record import RunRecord
from kft.run_folder import run_dir
from kft.run_folder.run_result import RunResult
from tests.reporting.pages import Page

LINE = {
    "stage": "head",
    "epoch": 1,
    "epochs": 1,
    "step": 9,
    "loss": 0.7,
    "accuracy": 0.6,
    "val_loss": 0.5,
    "val_accuracy": 0.8,
    "learning_rate": 0.01,
    "seconds": 75.0,
    "images_per_second": 8.0,
    "input_wait_fraction": None,
}


def _run(
    path: Path,
    answers: Mapping[str, tuple[str, str]],
    *,
    classes: Sequence[str] = ("cat", "dog"),
    fingerprint: str | None = None,
    **changes: object,
) -> str:
    """Write what a comparison reads of a run; answers are id -> (class, answer)."""
    config = dataclasses.replace(TrainConfig(run_dir=str(path)), **changes)
    run, _ = run_dir.prepare(config)
    result = RunResult(
        run_dir=run.path,
        monitor="val_accuracy",
        higher_is_better=True,
        validation={},
        test={},
        best_stage="head",
        best_epoch=1,
        seconds=75.0,
        startup_seconds={"import": 1.0},
        stages=(),
    )
    run.write_json(run.result_json, result.to_json(["accuracy", "loss"]))
    run.write_text(run.labels_txt, "".join(f"{name}\n" for name in classes))
    run.write_text(run.metrics_jsonl, json.dumps(LINE) + "\n")
    run.write_json(run.environment_json, {"data_fingerprint": fingerprint})
    rows = [f"{name},{label},validation" for name, (label, _) in answers.items()]
    run.write_text(run.split_csv, "\n".join(["id,label,split", *rows]) + "\n")
    run.write_bytes(run.best_weights, path.name.encode())
    labels = [classes.index(label) for label, _ in answers.values()]
    said = [classes.index(answer) for _, answer in answers.values()]
    prediction_files.write(
        run,
        Predictions(
            np.array(list(answers)),
            np.array(labels, np.int32),
            5 * np.eye(len(classes), dtype=np.float32)[said],
        ),
        PredictionSource(
            data=config.dataset,
            split="validation",
            weights=prediction_files.weights_digest(run),
            classes=tuple(classes),
        ),
    )
    return str(path)


def _answers(right: Sequence[bool]) -> dict[str, tuple[str, str]]:
    return {
        f"{number:03d}": ("cat", "cat" if hit else "dog")
        for number, hit in enumerate(right)
    }


# 60 examples: 40 both right, 12 only the second, 2 only the first, 6 neither.
FIRST = [True] * 40 + [False] * 12 + [True] * 2 + [False] * 6
SECOND = [True] * 52 + [False] * 8


def test_examples_that_one_run_gets_right_decide(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "a", _answers(FIRST)),
        _run(tmp_path / "b", _answers(SECOND)),
    ]
    (pair,) = comparison.compare(folders, str(tmp_path / "page.html")).pairs
    counts = (pair.both, pair.only_first, pair.only_second, pair.neither)
    assert counts == (40, 2, 12, 6)
    assert pair.p_value == significance.mcnemar(2, 12) < 0.05
    assert pair.difference == pytest.approx(10 / 60)
    assert pair.verdict.startswith("b is better than a by 16.7 points")


def test_a_difference_that_may_be_chance_is_said_to_be_none(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "a", _answers([True] * 30 + [False] * 3)),
        _run(tmp_path / "b", _answers([True] * 31 + [False] * 2)),
    ]
    (pair,) = comparison.compare(folders, str(tmp_path / "page.html")).pairs
    assert pair.p_value == 1
    assert "no difference is shown: +3.0 points may be chance" in pair.verdict


def test_only_shared_examples_count_and_classes_are_matched_by_name(
    tmp_path: Path,
) -> None:
    second = _answers(SECOND)
    # Other numbers for the classes, one example with another label, and one more.
    second["000"] = ("dog", "dog")
    second["new"] = ("cat", "cat")
    folders = [
        _run(tmp_path / "a", _answers(FIRST)),
        _run(tmp_path / "b", second, classes=("ape", "dog", "cat")),
    ]
    (pair,) = comparison.compare(folders, str(tmp_path / "page.html")).pairs
    assert (pair.shared, pair.both, pair.only_second) == (59, 39, 12)


def test_runs_without_shared_examples_are_not_tested(tmp_path: Path) -> None:
    other = {f"x{name}": value for name, value in _answers(SECOND).items()}
    folders = [
        _run(tmp_path / "a", _answers(FIRST)),
        _run(tmp_path / "b", other),
        _run(tmp_path / "c", _answers(SECOND)),
    ]
    a_b, a_c, b_c = comparison.compare(folders, str(tmp_path / "page.html")).pairs
    assert (a_b.p_value, b_c.p_value) == (None, None)
    assert "share no examples" in a_b.verdict
    # What was not tested does not make the others less certain.
    assert a_c.p_value == significance.mcnemar(2, 12)


def test_several_pairs_are_corrected(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "a", _answers(FIRST)),
        _run(tmp_path / "b", _answers(SECOND)),
        _run(tmp_path / "c", _answers(SECOND)),
    ]
    p_values = [
        pair.p_value
        for pair in comparison.compare(folders, str(tmp_path / "page.html")).pairs
    ]
    expected = min(1.0, 3 * significance.mcnemar(2, 12))
    assert p_values == pytest.approx([expected, expected, 1.0])


def test_the_page_shows_different_options_alone(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "a", _answers(FIRST), learning_rate=0.5),
        _run(tmp_path / "<b>", _answers(SECOND), stages="head:3@0.1"),
    ]
    found = comparison.compare(folders, str(tmp_path / "page.html"))
    configs = [run.record.config for run in found.runs]
    assert dict(comparison.differences(configs)) == {
        "learning_rate": ("0.5", "0.01"),
        "stages": (TrainConfig().stages, "head:3@0.1"),
    }
    page = Page(found.path.read_text())
    assert "--stages" in page.text and "--learning_rate" in page.text
    assert page.text.count("--") == 2
    assert float(page.figures["0.accuracy"][0]) == 42 / 60
    assert float(page.figures["p.0"][0]) == significance.mcnemar(2, 12)
    assert "<b>" in page.text
    assert [s for s in page.sources() if not s.startswith("data:")] == []
    assert sum(tag == "svg" for tag, _ in page.elements) == 5
    assert sum(tag == "polyline" for tag, _ in page.elements) == 10


def test_runs_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "x" / "run", _answers(FIRST)),
        _run(tmp_path / "y" / "run", _answers(FIRST)),
    ]
    found = comparison.compare(folders, str(tmp_path / "page.html"))
    assert [run.name for run in found.runs] == ["x/run", "y/run"]
    with pytest.raises(errors.ConfigError, match="different run folders"):
        comparison.compare([folders[0]] * 2, str(tmp_path / "page.html"))


def test_the_terminal_says_the_same(tmp_path: Path) -> None:
    folders = [
        _run(tmp_path / "a", _answers(FIRST)),
        _run(tmp_path / "b", _answers(SECOND), seed=3),
    ]
    found = comparison.compare(folders, str(tmp_path / "page.html"))
    text = "\n".join(comparison.table(found))
    assert "a    0.7000" in text and "b    0.8667" in text
    assert "--seed: 0 | 3" in text
    assert text.endswith(found.pairs[0].verdict)


def test_images_of_other_data_with_the_same_names_are_not_compared(
    tmp_path: Path,
) -> None:
    folders = [
        _run(tmp_path / "a", _answers(FIRST), fingerprint="1"),
        _run(tmp_path / "b", _answers(SECOND), fingerprint="2"),
    ]
    found = comparison.compare(folders, str(tmp_path / "page.html"))
    (pair,) = found.pairs
    assert (pair.shared, pair.p_value) == (0, None)
    assert "a and b are not compared: their data is not the same" in pair.verdict
    assert pair.verdict in Page(found.path.read_text()).text


def test_the_same_data_in_other_splits_is_compared_where_they_overlap(
    tmp_path: Path,
) -> None:
    second = _answers(SECOND)
    del second["000"]
    folders = [
        _run(tmp_path / "a", _answers(FIRST), fingerprint="1", dataset="folder:x"),
        _run(tmp_path / "b", second, fingerprint="2", dataset="folder:x"),
        _run(tmp_path / "c", second, fingerprint="3", dataset="folder:y"),
    ]
    found = comparison.compare(folders, str(tmp_path / "page.html"))
    assert [pair.data for pair in found.pairs] == ["split anew", "other", "other"]
    assert found.pairs[0].shared == 59
    assert "of 59 that both splits have" in found.pairs[0].verdict


def test_the_folder_of_the_page_is_made_before_anything_is_read(
    tmp_path: Path,
) -> None:
    folders = [_run(tmp_path / name, _answers(FIRST)) for name in "ab"]
    page = tmp_path / "pages" / "new" / "compare.html"
    comparison.compare(folders, str(page))
    assert page.is_file()
    for wrong in (page / "x.html", page.parent):
        with pytest.raises(errors.ConfigError, match="--output="):
            comparison.compare(["no", "run"], str(wrong))


def test_only_a_page_about_the_same_runs_is_overwritten(tmp_path: Path) -> None:
    folders = [_run(tmp_path / name, _answers(FIRST)) for name in "abc"]
    page = tmp_path / "compare.html"
    comparison.compare(folders[:2], str(page))
    comparison.compare(folders[1::-1], str(page))
    first = page.read_bytes()
    assert str(tmp_path) not in first[:1024].decode()
    with pytest.raises(errors.ConfigError, match="no comparison of these runs"):
        comparison.compare(folders, str(page))
    assert page.read_bytes() == first
    page.write_text("<p>My notes.</p>")
    with pytest.raises(errors.ConfigError, match="is there already"):
        comparison.compare(folders[:2], str(page))
    assert page.read_text() == "<p>My notes.</p>"


def test_a_tilde_that_names_nobody_is_part_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [_run(tmp_path / name, _answers(FIRST)) for name in "ab"]
    monkeypatch.chdir(tmp_path)
    found = comparison.compare(folders, "~nobody-here.html")
    assert found.path.is_file()
    with pytest.raises(errors.RunDirError, match="~nobody-here/run"):
        comparison.compare([folders[0], "~nobody-here/run"], "page.html")


def test_figures_about_something_else_stay(tmp_path: Path) -> None:
    folders = [_run(tmp_path / name, _answers(FIRST)) for name in "ab"]
    other = {"data": TrainConfig().dataset, "split": "test"}
    for folder in folders:
        run = run_dir.at(folder)
        run.write_json(run.evaluation_json, other)
    comparison.compare(folders, str(tmp_path / "page.html"))
    for folder in folders:
        assert json.loads(run_dir.at(folder).evaluation_json.read_text()) == other


def test_folders_that_can_not_be_written_are_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folders = [_run(tmp_path / name, _answers(FIRST)) for name in "ab"]

    def fail(*arguments: object) -> None:
        raise errors.RunDirError("The file system is read-only.")

    monkeypatch.setattr(evaluate_run, "keep", fail)
    with caplog.at_level("WARNING", logger="absl"):
        comparison.compare(folders, str(tmp_path / "page.html"))
    assert "not kept. The file system is read-only" in caplog.text


def test_runs_older_than_the_times_of_the_start_are_whole(tmp_path: Path) -> None:
    run = run_dir.at(_run(tmp_path / "a", _answers(FIRST)))
    content = json.loads(run.result_json.read_text())
    del content["startup_seconds"]
    run.write_json(run.result_json, content)
    assert RunResult.read(run).startup_seconds == {}


def _of_spans(name: str, value: float, record: RunRecord) -> ComparedRun:
    """Return a run of a task whose examples have no class."""
    figures = (
        Figure(name="span_f1", title="F1 of spans", value=value, interval=(0.1, 0.9)),
        Figure(name="spans", title="spans", value=9),
        Figure(name="loss", title="loss", value=0.5),
    )
    return ComparedRun(name, f"runs/{name}", record, "test", 7, figures, hits=None)


def test_runs_without_classes_are_shown_side_by_side_and_not_tested(
    tmp_path: Path,
) -> None:
    folder = _run(tmp_path / "a", _answers(FIRST))
    read = run_record.read(run_dir.at(folder))
    result = dataclasses.replace(read.result, monitor="val_span_f1")
    record = dataclasses.replace(read, result=result)
    runs = (_of_spans("a", 0.5, record), _of_spans("b", 0.75, record))
    columns = {
        title: [one.value for one in figures]
        for title, figures in comparison.columns(runs)
    }
    assert columns == {"F1 of spans": [0.5, 0.75], "loss": [0.5, 0.5]}
    (pair,) = comparison.compared_pairs(runs)
    assert pair.verdict.startswith("Whether a and b differ by more than chance is not")
    found = comparison.Comparison(tmp_path / "page.html", runs, (pair,))
    lines = [line.split() for line in comparison.table(found)]
    assert lines[0] == "run F1 of spans 95% interval time".split()
    assert lines[1][:5] == "a 0.5000 0.1000 to 0.9000".split()


def test_an_option_that_only_one_task_has_is_empty_in_the_other() -> None:
    mine = dict(
        comparison.differences(
            [TrainConfig(), RunConfig(dataset="a:b", backbone="c", seed=1)]
        )
    )
    assert mine["seed"] == ("0", "1")
    assert mine["augment"][1] == "–"
