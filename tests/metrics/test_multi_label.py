"""Figures of any number of classes against scikit-learn, and where they are not."""

import json

import numpy as np
import pytest
import sklearn.metrics

from kft.metrics import multi_label, scores
from kft.metrics.multi_label import MultiLabelFigures

NAMES = ("cat", "dog", "owl", "yak")
THRESHOLDS = np.array([0.3, 0.5, 0.7, 0.5])


def _made_up(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and switches; nothing is a yak, and some is nothing."""
    rng = np.random.default_rng(1)
    switches = (rng.random((count, 4)) < [0.5, 0.3, 0.1, 0.0]).astype(np.float32)
    logits = rng.normal(0, 1.5, (count, 4)) + 2 * switches - 1
    return logits.astype(np.float32), switches


@pytest.fixture(scope="module")
def figures() -> MultiLabelFigures:
    return multi_label.measure(*_made_up(), NAMES, thresholds=THRESHOLDS)


def test_all_classes_together_are_what_scikit_learn_says(
    figures: MultiLabelFigures,
) -> None:
    logits, switches = _made_up()
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    served = probabilities >= THRESHOLDS
    there = switches[:, :3]
    assert figures.mean_average_precision == pytest.approx(
        sklearn.metrics.average_precision_score(
            there, probabilities[:, :3], average="macro"
        )
    )
    f1 = sklearn.metrics.f1_score
    assert figures.micro_f1 == pytest.approx(
        f1(switches, probabilities >= 0.5, average="micro")
    )
    assert figures.served_micro_f1 == pytest.approx(
        f1(switches, served, average="micro")
    )
    # Of the classes that have examples: a yak that is said counts above alone.
    assert figures.served_macro_f1 == pytest.approx(
        f1(there, served[:, :3], average="macro")
    )
    assert figures.exact_match == pytest.approx(
        sklearn.metrics.accuracy_score(switches, served)
    )
    assert figures.loss == pytest.approx(
        sum(
            sklearn.metrics.log_loss(switches[:, i], probabilities[:, i], labels=[0, 1])
            for i in range(4)
        )
    )
    assert (figures.examples, figures.labels) == (60, int(switches.sum()))
    assert figures.without_class == int((switches.sum(axis=1) == 0).sum()) > 0


def test_each_class_is_what_scikit_learn_says(figures: MultiLabelFigures) -> None:
    logits, switches = _made_up()
    probabilities = scores.sigmoid(logits)
    for i, one in enumerate(figures.classes[:3]):
        said = probabilities[:, i] >= THRESHOLDS[i]
        expected = sklearn.metrics.precision_recall_fscore_support(
            switches[:, i], said, average="binary"
        )
        assert (one.precision, one.recall, one.f1) == pytest.approx(expected[:3])
        assert one.average_precision == pytest.approx(
            sklearn.metrics.average_precision_score(switches[:, i], probabilities[:, i])
        )
        assert one.roc_auc == pytest.approx(
            sklearn.metrics.roc_auc_score(switches[:, i], probabilities[:, i])
        )
        assert one.threshold == THRESHOLDS[i]


def test_a_class_without_examples_has_no_figures_and_says_why(
    figures: MultiLabelFigures,
) -> None:
    yak = figures.classes[3]
    assert (yak.average_precision, yak.recall, yak.f1, yak.roc_auc) == (None,) * 4
    assert "no examples" in yak.undefined["average_precision"]
    assert figures.breakdown().worst_first()[-1] == 3


def test_where_no_example_is_of_a_class_nothing_is_made_up() -> None:
    logits = np.full((3, 4), -4.0, np.float32)
    found = multi_label.measure(
        logits, np.zeros((3, 4)), NAMES, thresholds=np.full(4, 0.5)
    )
    assert found.mean_average_precision is None
    assert "no example" in found.undefined["mean_average_precision"]
    assert (found.exact_match, found.micro_f1) == (1.0, 0.0)
    headline = {one.name: one for one in found.headline()}
    assert "no example" in headline["mean_average_precision"].note


def test_what_chooses_and_what_is_shown_have_names_in_the_file(
    figures: MultiLabelFigures,
) -> None:
    written = json.loads(json.dumps(figures.to_json()))
    shown = [one.name for one in figures.headline()]
    assert shown[0] == "mean_average_precision"
    assert {*shown, "micro_f1", "loss", "precision", "recall"} <= set(written)
    for one in figures.headline():
        assert written[one.name] == one.value
