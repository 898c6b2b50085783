"""The whole way of texts of any number of classes, from JSON lines to exports."""

import csv
import dataclasses
import functools
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kft
from kft import __main__ as kft_main
from kft import errors
from kft.config import TextClassificationConfig
from kft.evaluation import load_run
from tests import task_runs, tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

CLASSES = ("bad", "good")
STAGES = "head:8@0.1,all:10@0.2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels")
    tiny_bert.write(path / "bert")
    rng = np.random.default_rng(0)
    lines = []
    for number in range(160):
        label = [name for i, name in enumerate(CLASSES) if number >> i & 1]
        words = [*rng.choice(["a", "b", "c", "the", "film"], rng.integers(1, 4))]
        words += [name for name in label for _ in range(6)]
        rng.shuffle(words)
        lines.append(json.dumps({"text": " ".join(words), "label": label}))
    (path / "texts.jsonl").write_text("\n".join(lines))
    return path


def _config(folder: Path, name: str, **changes: object) -> TextClassificationConfig:
    config = TextClassificationConfig(
        dataset=f"jsonl:{folder / 'texts.jsonl'}",
        multi_label=True,
        backbone=str(folder / "bert"),
        run_dir=str(folder / name),
        stages=STAGES,
        max_length=24,
        batch_size=8,
        validation_fraction=0.3,
        export=(),
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


@pytest.fixture
def run(train: task_runs.Train, tmp_path: Path) -> Path:
    """Return a copy of the run that a test may change."""
    return shutil.copytree(train().run_dir, tmp_path / "run")


def test_it_learns_which_words_there_are(train: task_runs.Train) -> None:
    result = train()
    assert result.monitor == "val_micro_f1"
    assert result.validation["micro_f1"] >= 0.9
    with (result.run_dir / "thresholds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == list(CLASSES)
    assert all(float(row["f1"]) >= float(row["f1_at_half"]) > 0 for row in rows)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(train: task_runs.Train, folder: Path) -> None:
    config = _config(folder, "killed")
    whole = train().run_dir
    task_runs.assert_goes_on(config, whole)
    fitted = [path / "thresholds.csv" for path in (whole, folder / "killed")]
    assert fitted[0].read_text() == fitted[1].read_text()


def test_figures_are_of_the_thresholds_that_the_run_has(run: Path) -> None:
    kft_main.dispatch(["evaluate", str(run)])
    before = json.loads((run / "evaluation.json").read_text())
    result = json.loads((run / "result.json").read_text())
    assert before["micro_f1"] == pytest.approx(result["val_micro_f1"])
    assert before["mean_average_precision"] > 0.9
    # A person wants fewer false alarms: nothing else changes than what is said.
    text = "label,threshold\n" + "".join(f"{name},0.9999999999\n" for name in CLASSES)
    (run / "thresholds.csv").write_text(text)
    kft_main.dispatch(["evaluate", str(run)])
    after = json.loads((run / "evaluation.json").read_text())
    assert after["served_micro_f1"] < before["served_micro_f1"]
    assert after["mean_average_precision"] == before["mean_average_precision"]
    assert kft.load(run).predict(["good good bad"])[0].content["labels"] == ()


def test_a_run_without_its_thresholds_gives_no_answer(run: Path) -> None:
    (run / "thresholds.csv").unlink()
    with pytest.raises(errors.RunDirError, match=r"thresholds\.csv is damaged or miss"):
        load_run.load(str(run))


def test_every_label_of_rows_and_lines_is_said_by_the_run_and_its_export(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kft_main.dispatch(["export", f"--run_dir={run}"]) == 0
    certificate = json.loads((run / "export/parity.json").read_text())["saved_model"]
    assert certificate["passed"]
    assert certificate["top1_agreement"] == 1.0
    assert certificate["largest_difference"] < 1e-5
    for what in (f"--run_dir={run}", f"--model={run}/export/saved_model"):
        said = {}
        for style in ("csv", "jsonl", "table"):
            lines = b"bad a good good bad good bad\ngood the good good\nthe film a\n"
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
            capsys.readouterr()
            arguments = [what, f"--format={style}", "--top_k=1", "-"]
            assert kft_main.dispatch(["predict", *arguments]) == 0
            said[style] = capsys.readouterr().out.splitlines()
        rows = list(csv.DictReader(said["csv"]))
        assert [set(row["labels"].split("|")) for row in rows] == [
            *({"good", "bad"}, {"good"}, {""})
        ]
        assert list(rows[0]) == [
            *("file", "labels", "label_1", "class_id_1", "probability_1"),
            *("threshold_1", "error"),
        ]
        first, _, last = (json.loads(line) for line in said["jsonl"])
        # What is said is there with its probability, whatever --top_k is.
        assert {one["label"] for one in first["predictions"]} == {"good", "bad"}
        assert all(p["probability"] >= p["threshold"] for p in first["predictions"])
        assert (last["labels"], len(last["predictions"])) == ([], 1)
        assert said["table"][2].split()[1] == "-"


def test_a_saved_model_says_names_in_their_places(run: Path) -> None:
    kft_main.dispatch(["export", f"--run_dir={run}"])
    model = tf.saved_model.load(str(run / "export/saved_model/1"))
    answer = model.signatures["serving_default"](
        text=tf.constant(["good a good good bad bad bad", "good good good", b"\xff"])
    )
    assert answer["labels"].numpy().tolist() == [
        *([b"bad", b"good"], [b"", b"good"], [b"", b""])
    ]
    assert answer["valid"].numpy().tolist() == [True, True, False]
    assert answer["probabilities"].numpy()[2].tolist() == [0, 0]


def test_a_report_shows_what_is_missing_and_what_is_too_much(run: Path) -> None:
    text = "label,threshold\nbad,0.999999\ngood,0.000001\n"
    (run / "thresholds.csv").write_text(text)
    assert kft_main.dispatch(["report", f"--run_dir={run}"]) == 0
    page = (run / "report.html").read_text()
    assert "mAP" in page and "micro F1, as served" in page
    assert "bad missed (" in page
    assert "<b><s>good</s></b>" in page
    assert "average precision" in page
    assert "validation micro f1" in page
