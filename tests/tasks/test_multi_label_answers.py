"""Any number of classes and their probabilities, in a graph and out of it."""

import numpy as np
import pytest
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.tasks.multi_label_answers import MultiLabelAnswers

THRESHOLDS = np.array([0.5, 0.9, 0.2, 0.5])
ANSWERS = MultiLabelAnswers(LabelMap(("a", "b", "<c>", "d")), THRESHOLDS)
# Probabilities of 0.88, 0.73, 0.27 and 0.12: b is likely, but not likely enough.
LOGITS = np.array([[2, 1, -1, -2], [-5, -5, -5, -5]], np.float32)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_graph_and_numpy_say_the_same(temperature: float) -> None:
    outputs = ANSWERS.outputs(tf.constant(LOGITS), temperature=temperature)
    found = ANSWERS.probabilities(LOGITS, temperature=temperature)
    np.testing.assert_allclose(outputs["probabilities"], found, atol=1e-6)
    for row, names in zip(found, outputs["labels"].numpy(), strict=True):
        said = ANSWERS.answer({"probabilities": row}, 4)["labels"]
        assert {name.decode() for name in names if name} == set(said)


def test_an_answer_has_each_class_from_its_threshold_on() -> None:
    row = ANSWERS.probabilities(LOGITS, temperature=1.0)[0]
    found = ANSWERS.answer({"probabilities": row}, 1)
    assert found["labels"] == ("a", "<c>")
    # Those that are more likely than what is said are there, too.
    assert [one["label"] for one in found["predictions"]] == ["a", "b", "<c>"]
    assert found["predictions"][1] == {
        "label": "b",
        "class_id": 1,
        "probability": row[1],
        "threshold": 0.9,
    }


def test_no_class_may_be_said_and_as_many_as_asked_for_are_named() -> None:
    row = ANSWERS.probabilities(LOGITS, temperature=1.0)[1]
    found = ANSWERS.answer({"probabilities": row}, 2)
    assert found["labels"] == ()
    assert len(found["predictions"]) == 2


def test_zeros_stand_for_no_answer_alone() -> None:
    logits = np.full([2, 4], -1e4, np.float32)
    assert ANSWERS.probabilities(logits, temperature=1.0).all()
    valid = tf.constant([True, False])
    outputs = ANSWERS.outputs(tf.constant(logits), temperature=1.0, valid=valid)
    assert outputs["probabilities"].numpy()[0].all()
    for name, values in outputs.items():
        assert set(np.ravel(values.numpy()[1]).tolist()) <= {0, b""}, name


def test_agreement_is_of_what_is_said_by_either() -> None:
    own = np.array([[0.6, 0.1, 0.3, 0.1], [0.6, 0.1, 0.1, 0.1]])
    found = np.array([[0.6, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, 0.6]])
    # a twice by both; c and d by one of them.
    assert ANSWERS.agreement(own, found) == 0.5
    assert ANSWERS.agreement(own, own) == 1.0
    assert ANSWERS.agreement(own * 0.01, found * 0.01) == 1.0


def test_a_page_tells_apart_what_is_right_missing_and_wrong() -> None:
    html = ANSWERS.answer_html(np.array([1, 1, 0, 0], np.float32), LOGITS[0])
    assert html == "b missed (73%), <b><s>&lt;c&gt;</s></b> 27%, <b>a</b> 88%"
    assert "none is said" in ANSWERS.answer_html(np.zeros(4), LOGITS[1])


def test_an_export_has_the_thresholds_as_they_are() -> None:
    assert ANSWERS.metadata() == {"thresholds": [0.5, 0.9, 0.2, 0.5]}
    assert ANSWERS.companions() == {"thresholds.txt": b"0.5\n0.9\n0.2\n0.5\n"}
