"""The report of a task that has neither images nor one class per example."""

import dataclasses
import datetime
import html
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from kft.config import TrainConfig
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation import run_split
from kft.evaluation.evaluate_run import Evaluation
from kft.evaluation.prediction_files import PredictionSource
from kft.metrics.figures import Breakdown, Figure, Group
from kft.metrics.predictions import Predictions
from kft.pages import render
from kft.reporting import gallery, write_report
from kft.reporting.run_record import RunRecord
from kft.run_folder.history import EpochRecord, StageResult
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.tasks.metric import Metric
from tests.evaluation.test_example_losses import StepObjective
from tests.reporting.pages import Page

HOSTILE = "<script>alert(1)</script>"
LENGTHS = (5, 2, 7, 3)
F1 = Metric("span_f1")


class SpanFigures:
    """What is said of spans."""

    def to_json(self) -> dict[str, Any]:
        kinds = [{"kind": "rise", "f1": 0.5}]
        return {"examples": 4, "span_f1": 0.625, "loss": 0.5, "spans": 9, "by": kinds}

    def headline(self) -> Sequence[Figure]:
        return (
            Figure(
                name="span_f1",
                title="F1 of spans",
                value=0.625,
                interval=(0.5, 0.75),
                is_share=True,
            ),
            Figure(name="loss", title="loss", value=0.5, note="nats per step"),
        )

    def breakdown(self) -> Breakdown:
        one = Figure(name="f1", title="F1", value=0.5)
        return Breakdown("kind", "kinds", (Group(HOSTILE, 4, (one,)),), ranked_by="f1")


class CurveInputs:
    """Steps of a curve, from text: numbers with blanks between them."""

    is_augmented = False
    boundaries = ()

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        del training
        return examples

    def preprocess(self, *, training: bool):
        return lambda payload, key: {
            "steps": tf.strings.to_number(tf.strings.split(payload))
        }


class CurveDisplay:
    """Curves as drawings, with the steps that count shaded."""

    explanation = "the steps that its answer hangs on."

    def example_html(self, payload: bytes, inputs: dict[str, np.ndarray]) -> str:
        points = " ".join(f"{x},{y:g}" for x, y in enumerate(inputs["steps"]))
        title = html.escape(payload.decode())
        return (
            f'<svg viewBox="0 0 9 9"><title>{title}</title>'
            f'<polyline class="curve" points="{points}"/></svg>'
        )

    def answer_html(self, payload: bytes, label: Any, scores: Any) -> str:
        return ""

    def unexplained(self, network: object) -> str:
        return ""

    def explain(
        self,
        network: object,
        inputs: Sequence[Any],
        *,
        targets: Sequence[np.ndarray],
        payloads: Sequence[bytes],
    ) -> Sequence[str]:
        assert len(payloads) == len(inputs)
        for one, answer in zip(inputs, targets, strict=True):
            assert len(one["steps"]) == len(answer)
        return [f'<svg class="shade{len(answer)}"></svg>' for answer in targets]


def _examples() -> Examples:
    payloads = tf.constant([" ".join("123456789"[:n]) for n in LENGTHS])
    labels = Ragged.from_rows([np.zeros(n, np.int32) for n in LENGTHS])
    return Examples(
        ids=np.array(["a", "b", HOSTILE, "d"]),
        labels=labels,
        rows=np.arange(4),
        read=lambda rows: tf.gather(payloads, rows),
    )


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the template gets of a run with four curves, the third worst."""
    rows = [np.tile(np.float32([4, 0]), [n, 1]) for n in LENGTHS]
    rows[2][1:3] = (0, 9)
    rows[3][0] = (0, 1)
    examples = _examples()
    monkeypatch.setattr(Examples, "take", _take)
    monkeypatch.setattr(run_split, "of_split", lambda run, split: examples)
    run = RunDir(tmp_path)
    labels = LabelMap(("flat", "rise"))
    task = types.SimpleNamespace(
        inputs=CurveInputs(), objective=StepObjective(), display=CurveDisplay()
    )
    loaded = types.SimpleNamespace(
        task=task,
        network=None,
        labels=labels,
        config=TrainConfig(),
        preprocess=task.inputs.preprocess,
    )
    evaluation = Evaluation(
        run,
        PredictionSource("curves:x", "validation", "0", labels.names),
        Predictions(examples.ids, examples.labels, Ragged.from_rows(rows)),
        SpanFigures(),
        F1,
    )
    return dict(write_report.values_of(_record(run), evaluation, loaded))


def _take(examples: Examples, indices: np.ndarray) -> Examples:
    return dataclasses.replace(
        examples,
        ids=examples.ids[indices],
        labels=examples.labels.take(indices),
        rows=examples.rows[indices],
    )


def _record(run: RunDir) -> RunRecord:
    stage = StageResult(
        name="head",
        epochs=1,
        seconds=1.0,
        examples_per_second=5.0,
        input_wait_fraction=None,
        trainable_parameters=7,
        cached=True,
        best_epoch=1,
        validation={"span_f1": 0.625},
    )
    epoch = EpochRecord(
        stage="head",
        epoch=1,
        epochs=1,
        step=1,
        train={"loss": 0.7, "span_f1": 0.25},
        validation={"loss": 0.5, "span_f1": 0.625},
        learning_rate=0.1,
        seconds=1.0,
        examples_per_second=5.0,
        input_wait_fraction=None,
    )
    empty = dict.fromkeys(field.name for field in dataclasses.fields(RunRecord))
    result = RunResult(
        run_dir=run.path,
        monitor="val_span_f1",
        higher_is_better=True,
        validation={"span_f1": 0.625},
        test={"span_f1": 0.5},
        best_stage="head",
        best_epoch=1,
        seconds=1.0,
        startup_seconds={},
        stages=(stage,),
    )
    return RunRecord(
        **{
            **empty,
            "run": run,
            "config": TrainConfig(),
            "result": result,
            "labels": LabelMap(("flat", "rise")),
            "history": (epoch,),
            "environment": {},
            "split_sizes": {"train": 4},
            "finished": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        }
    )


@pytest.fixture
def page(values: dict[str, Any]) -> Page:
    return Page(render.render("kft.reporting", "report.html", values))


def test_the_figures_of_the_task_are_those_of_the_page(
    page: Page, values: dict[str, Any]
) -> None:
    assert values["verdict"] == (
        "On the 4 validation examples: F1 of spans 62.50% (95% interval 50.00% to "
        "75.00%), loss 0.5000."
    )
    assert page.figures["span_f1"] == ("0.625", "62.50%")
    assert values["is_share"]
    assert page.figures["loss"] == ("0.5", "0.5000")
    assert page.figures["spans"] == ("9", "9")
    assert page.figures["kinds.0.f1"] == ("0.5", "0.5000")
    assert page.json("evaluation")["by"] == [{"kind": "rise", "f1": 0.5}]
    for text in ("Kinds", "validation span f1", "Span f1", "test span f1"):
        assert text in page.text
    # Those of classes are not there, and it is said why.
    assert "Reliability" not in page.text and "confusion" not in page.scripts
    assert "Confusions and calibration are shown of tasks whose" in page.text
    targets = {attributes.get("id") for _, attributes in page.elements}
    assert {s[1:] for s in page.sources() if s.startswith("#")} <= targets


def test_examples_are_shown_by_their_task_the_worst_first(
    page: Page, values: dict[str, Any]
) -> None:
    assert [card.name for card in values["worst"]] == [HOSTILE, "d", "a", "b"]
    assert [card.text for card in values["worst"][:2]] == [
        "5 of 7 steps right",
        "2 of 3 steps right",
    ]
    curves = [a for tag, a in page.elements if a.get("class") == "curve"]
    # Four examples, and four of training.
    assert len(curves) == 8
    assert curves[0]["points"] == "0,1 1,2 2,3 3,4 4,5 5,6 6,7"
    shades = [a["class"] for tag, a in page.elements if "shade" in a.get("class", "")]
    assert [s for s in shades if s != "shade"] == [f"shade{n}" for n in (7, 3, 5, 2)]
    assert "the steps that its answer hangs on." in page.text


def test_nothing_of_a_name_becomes_part_of_the_page(page: Page) -> None:
    assert HOSTILE in page.text
    # The data of the page, and its own script.
    assert [tag for tag, _ in page.elements].count("script") == 2


def test_of_several_classes_their_names_are_said() -> None:
    labels = np.float32([[1, 0, 1]])
    switches = Predictions(np.array(["a"]), labels, np.zeros([1, 3], np.float32))
    assert gallery.class_answer(switches, 0, ("a", "b", "c")) is None
    assert gallery.other_answer(switches, 0, LabelMap(("a", "b", "c"))) == "a, c"
