"""The answers of all folds in one table."""

import csv
import io
import math

import numpy as np
import pytest

from kft.data.labels import LabelMap
from kft.evaluation import out_of_fold
from kft.metrics.predictions import ClassPredictions

_LABELS = LabelMap(("cat", "dog"))


def _answers(ids: list[str], labels: list[int], logits: list[list[float]]):
    return ClassPredictions(
        np.array(ids), np.array(labels, np.int32), np.array(logits, np.float32)
    )


_FOLDS = (
    _answers(["a", "b"], [0, 1], [[math.log(3), 0], [0, 2]]),
    _answers(["c"], [0], [[0, math.log(4)]]),
)


def test_the_most_doubted_label_is_first() -> None:
    rows = list(csv.DictReader(io.StringIO(out_of_fold.of(_LABELS, _FOLDS).to_csv())))
    assert [row["id"] for row in rows] == ["c", "a", "b"]
    assert rows[0] == {
        "id": "c",
        "fold": "1",
        "label": "cat",
        "predicted": "dog",
        "probability": "0.8000",
        "loss": f"{math.log(5):.4f}",
    }
    assert rows[1]["probability"] == "0.7500"


def test_the_accuracy_is_of_all_examples_together() -> None:
    found = out_of_fold.of(_LABELS, _FOLDS)
    assert found.examples == 3
    assert found.accuracy == pytest.approx(2 / 3)
    # By hand: Wilson, 2 of 3, z = 1.96.
    assert found.interval == pytest.approx((0.2077, 0.9385), abs=1e-4)


def test_a_fold_without_one_class_each_leaves_no_table() -> None:
    assert out_of_fold.of(_LABELS, [*_FOLDS, None]) is None
