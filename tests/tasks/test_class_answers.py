"""Classes and their probabilities, in a graph and out of it."""

import numpy as np
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.tasks.class_answers import ClassAnswers

ANSWERS = ClassAnswers(LabelMap(tuple("abcdef")))
LOGITS = np.array([[0, 3, 1, 2, 5, 4], [1, 0, 0, 0, 0, 0]], np.float32)


def test_of_many_classes_the_five_likeliest_are_named() -> None:
    outputs = ANSWERS.outputs(tf.constant(LOGITS), temperature=1.0)
    assert outputs["top_k_labels"].numpy()[0].tolist() == [b"e", b"f", b"b", b"d", b"c"]
    assert outputs["class_name"].numpy().tolist() == [b"e", b"a"]
    assert outputs["valid"].numpy().tolist() == [True, True]


def test_the_graph_and_numpy_agree_at_any_temperature() -> None:
    for temperature in (1.0, 2.5):
        outputs = ANSWERS.outputs(tf.constant(LOGITS), temperature=temperature)
        found = ANSWERS.probabilities(LOGITS, temperature=temperature)
        np.testing.assert_allclose(outputs["probabilities"], found, atol=1e-6)


def test_what_is_not_valid_is_zeros_in_every_output() -> None:
    valid = tf.constant([False, True])
    outputs = ANSWERS.outputs(tf.constant(LOGITS), temperature=1.0, valid=valid)
    for name, values in outputs.items():
        assert set(np.ravel(values.numpy()[0]).tolist()) <= {0, b""}, name
    assert outputs["class_name"].numpy()[1] == b"a"


def test_an_answer_names_the_likeliest_first_and_of_equal_ones_the_lower_id() -> None:
    row = ANSWERS.probabilities(LOGITS, temperature=1.0)[1]
    predictions = ANSWERS.answer({"probabilities": row}, 3)["predictions"]
    assert [one["label"] for one in predictions] == ["a", "b", "c"]
    assert [one["class_id"] for one in predictions] == [0, 1, 2]
    assert predictions[0]["probability"] == row[0]
