"""An evaluation as a person reads it; no TensorFlow here."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from kft.evaluation import metric_tables
from kft.metrics import classification


def result(names: tuple[str, ...] = ("rose", "tulip", "weed")) -> dict:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    logits = rng.normal(0, 1, (60, len(names))) + 2 * np.eye(len(names))[labels]
    figures = classification.measure(logits, labels, names)
    return {
        "run_dir": "r",
        "data": "folder:photos",
        "split": "test",
        **json.loads(json.dumps(figures.to_json())),
    }


def shown(of: dict, width: int) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    for part in metric_tables.figures(of, width=width):
        console.print(part)
    return stream.getvalue().splitlines()


def test_every_figure_and_every_class_has_a_row() -> None:
    evaluated = result()
    rows = [line.split("  ") for line in shown(evaluated, 80)]
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
    numbers = (rose[name] for name in ("precision", "recall", "f1", "roc_auc"))
    expected = ["rose", str(rose["examples"]), *(f"{x:.4f}" for x in numbers)]
    assert expected in cells
    # Three classes have no top-5, and weed has no examples.
    assert not any("top-5" in line for line in shown(evaluated, 80))
    assert [row[:2] + row[-3:] for row in cells if row[:1] == ["weed"]] == [
        ["weed", "0", "-", "-", "-"]
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_every_width(width: int) -> None:
    lines = shown(result(("a", "b", "a class with a long name")), width)
    assert max(map(len, lines)) <= width
    for part in ("recall", "F1"):
        assert any(part in line for line in lines)
