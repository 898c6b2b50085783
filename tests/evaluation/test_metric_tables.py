"""An evaluation as a person reads it; no TensorFlow here."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from kft.evaluation import metric_tables
from kft.metrics import classification
from kft.metrics.classification import ClassificationFigures
from kft.metrics.figures import Breakdown, Figure, Figures, Group


def figures_of(names: tuple[str, ...]) -> ClassificationFigures:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    logits = rng.normal(0, 1, (60, len(names))) + 2 * np.eye(len(names))[labels]
    return classification.measure(logits, labels, names)


def result(figures: Figures) -> dict:
    return {
        "run_dir": "r",
        "data": "folder:photos",
        "split": "test",
        **json.loads(json.dumps(figures.to_json())),
    }


def shown(figures: Figures, width: int, **served: float) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    of = {**result(figures), **served}
    for part in metric_tables.tables_of(figures, of, width=width):
        console.print(part)
    return stream.getvalue().splitlines()


def test_every_figure_and_every_class_has_a_row() -> None:
    figures = figures_of(("rose", "tulip", "weed"))
    evaluated = result(figures)
    rows = [line.split("  ") for line in shown(figures, 80)]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert ["folder:photos, test: 60 examples"] in cells
    low, high = evaluated["accuracy_interval"]
    assert [
        "accuracy",
        f"{evaluated['accuracy']:.4f}",
        f"{low:.4f} to {high:.4f}",
    ] in cells
    for name, title in (
        ("brier", "Brier score"),
        ("ece", "calibration error (ECE)"),
        ("loss", "log loss"),
        ("roc_auc", "ROC-AUC (one against the rest)"),
        ("weighted_f1", "weighted F1"),
    ):
        assert [title, f"{evaluated[name]:.4f}"] in cells
    rose = evaluated["classes"][0]
    numbers = (rose[name] for name in ("recall", "precision", "f1", "roc_auc"))
    expected = ["rose", str(rose["examples"]), *(f"{x:.4f}" for x in numbers)]
    assert expected in cells
    # Three classes have no top-5, and weed has no examples.
    assert not any("top-5" in line for line in shown(figures, 80))
    (weed,) = (row for row in cells if row[:1] == ["weed"])
    assert weed == ["weed", "0", "-", "0.0000", "-", "-"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_every_width(width: int) -> None:
    lines = shown(figures_of(("a", "b", "a class with a long name")), width)
    assert max(map(len, lines)) <= width
    for part in ("recall", "F1"):
        assert any(part in line for line in lines)


def test_figures_as_served_are_beside_those_of_the_network() -> None:
    lines = shown(figures_of(("a", "b")), 80, served_ece=0.0123, served_loss=0.5)
    rows = [line.split() for line in lines]
    assert "ECE, as served (calibrated) 0.0123".split() in rows
    assert not any("served" in line for line in shown(figures_of(("a", "b")), 80))


class SpanFigures:
    """Figures of a task that has no classes of examples."""

    def __init__(self, breakdown: Breakdown | None) -> None:
        self._breakdown = breakdown

    def to_json(self) -> dict:
        return {"examples": 7, "f1": 0.25, "steps": 99}

    def headline(self) -> tuple[Figure, ...]:
        return (Figure(name="f1", title="span F1", value=0.25, interval=(0.1, 0.5)),)

    def breakdown(self) -> Breakdown | None:
        return self._breakdown


def test_any_task_has_its_own_figures() -> None:
    lines = shown(SpanFigures(None), 80)
    assert lines[0] == "folder:photos, test: 7 examples"
    assert "span F1 0.2500 0.1000 to 0.5000".split() in [x.split() for x in lines]
    assert not any("class" in line for line in lines)


def test_the_figure_that_ranks_the_groups_stays_in_a_narrow_terminal() -> None:
    figures = tuple(
        Figure(name=name, title=name, value=0.5) for name in ("wide_one", "other", "f1")
    )
    groups = (Group("rise", 12, figures), Group("fall", 3, figures))
    found = SpanFigures(Breakdown("kind", "kinds", groups, ranked_by="f1"))
    head = next(line.split() for line in shown(found, 80) if "kind" in line)
    assert head == ["kind", "examples", "wide_one", "other", "f1"]
    head = next(line.split() for line in shown(found, 20) if "kind" in line)
    assert head == ["kind", "f1"]
