"""CTC's loss against all paths counted out, and rates of errors by hand."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions

pytest.importorskip("jiwer", reason="needs the extra audio")

from kft.tasks.speech_recognition import (
    alignment,
    ctc_decoding,
    speech_figures,
)
from kft.tasks.speech_recognition.ctc_objective import CtcObjective

SYMBOLS = LabelMap(("<space>", "a", "b"))
BLANK = 3


def _nats(logits: np.ndarray, text: list[int]) -> float:
    """Return minus the logarithm of all paths that spell a text."""
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    total = 0.0
    for path in itertools.product(range(BLANK + 1), repeat=len(logits)):
        said = [key for key, _ in itertools.groupby(path) if key != BLANK]
        if said == text:
            total += math.exp(sum(logs[step, one] for step, one in enumerate(path)))
    return -math.log(total)


def _batch() -> tuple[np.ndarray, np.ndarray, list[list[int]], list[int]]:
    rng = np.random.default_rng(0)
    texts, steps = [[1, 1], [2], [1, 0, 2]], [3, 5, 4]
    targets = np.full([3, 4], -1, np.int32)
    outputs = np.zeros([3, 5, BLANK + 1], np.float32)
    for row, (text, length) in enumerate(zip(texts, steps, strict=True)):
        targets[row, : len(text)] = text
        outputs[row, :length] = rng.normal(size=(length, BLANK + 1))
    return targets, outputs, texts, steps


def test_the_loss_is_that_of_all_paths_within_the_steps_that_are_real() -> None:
    targets, outputs, texts, steps = _batch()
    found = CtcObjective(SYMBOLS).losses(tf.constant(targets), tf.constant(outputs))
    expected = [
        _nats(outputs[row, : steps[row]].astype(np.float64), texts[row])
        / len(texts[row])
        for row in range(3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_steps_that_only_fill_up_have_no_gradient() -> None:
    targets, outputs, _, steps = _batch()
    logits = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        loss = CtcObjective(SYMBOLS).losses(tf.constant(targets), logits)
    gradient = tf.convert_to_tensor(tape.gradient(loss, logits)).numpy()
    is_real = np.arange(5) < np.array(steps)[:, None]
    assert (gradient[is_real] != 0).any(axis=-1).all()
    np.testing.assert_array_equal(gradient[~is_real], 0.0)


def test_the_loss_on_a_gpu_is_not_that_of_cudnn() -> None:
    # A graph with both has TensorFlow choose by the device, so none is needed here.
    targets, outputs, _, _ = _batch()
    loss = tf.function(CtcObjective(SYMBOLS).losses)
    traced = loss.get_concrete_function(tf.constant(targets), tf.constant(outputs))
    graph = traced.graph.as_graph_def()
    bodies = [graph.node, *(one.node_def for one in graph.library.function)]
    kernels = {node.op for body in bodies for node in body}
    assert "CTCLoss" in kernels
    assert "CTCLossV2" not in kernels


def _spelled(path: str) -> np.ndarray:
    """Return logits that say a path of signs, where - is the blank."""
    logits = np.full([len(path), BLANK + 1], -5.0, np.float32)
    logits[np.arange(len(path)), [" ab-".index(sign) for sign in path]] = 5.0
    return logits


def test_what_is_said_is_without_repeats_and_blanks() -> None:
    paths = ["aa-ab- b", "--------", "bbbb"]
    outputs = np.zeros([3, 9, BLANK + 1], np.float32)
    for row, path in enumerate(paths):
        outputs[row, : len(path)] = _spelled(path)
    expected = [[1, 1, 2, 0, 2], [], [2]]
    assert [ctc_decoding.greedy(one).tolist() for one in outputs] == expected
    in_graph = tf.function(ctc_decoding.greedy_in_graph)(tf.constant(outputs))
    assert in_graph.to_list() == expected


def _figures(pairs: list[tuple[str, str]]):
    texts = [[" ab".index(sign) for sign in text] for text, _ in pairs]
    predictions = Predictions(
        ids=np.array([str(row) for row in range(len(pairs))]),
        labels=Ragged.from_rows([np.array(one, np.int32) for one in texts]),
        logits=Ragged.from_rows([_spelled(path) for _, path in pairs]),
    )
    return CtcObjective(SYMBOLS), predictions


def test_figures_of_sums_are_those_of_all_predictions() -> None:
    pairs = [("ab", "a-b-"), ("a b", "a--bbb-"), ("a a", "b a--a-a"), ("b", "----")]
    objective, predictions = _figures(pairs)
    rows = np.arange(len(predictions))
    labels, logits = predictions.labels, predictions.logits
    targets = tf.constant(labels.padded(rows, 3, -1))
    outputs = tf.constant(logits.padded(rows, 8))
    totals = objective.totals(targets, outputs, training=False)
    sums = {name: float(tf.reduce_sum(totals[name])) for name in objective.total_names}
    found = objective.figures(sums)
    figures = objective.evaluate(predictions).to_json()
    for metric in objective.metrics:
        assert figures[metric.name] == pytest.approx(found[metric.name], rel=1e-6)
    # "ab" for "a b" is one character and two words; "b aaa" for "a a" is three and two.
    assert found["cer"] == pytest.approx((0 + 1 + 3 + 1) / 9)
    assert found["wer"] == pytest.approx((0 + 2 + 2 + 1) / 6)
    assert found["silent"] == pytest.approx(1 / 4)
    assert [one["words"] for one in figures["lengths"]] == ["1", "2"]


def test_a_network_that_is_always_silent_is_told() -> None:
    objective, predictions = _figures([("ab", "----"), ("b", "--")])
    figures = objective.evaluate(predictions)
    (silent,) = (one for one in figures.headline() if one.name == "silent")
    assert silent.value == 1 and "every output is blank" in silent.note
    objective, predictions = _figures([("ab", "----"), ("b", "b-")])
    assert not objective.evaluate(predictions).headline()[2].note


def test_rates_of_long_texts_are_told_from_those_of_short_ones() -> None:
    counts = [speech_figures.count(*one) for one in (("a b", "a b"), ("b", "a"))]
    breakdown = speech_figures.measure(counts, nats=1.0).breakdown()
    assert [group.label for group in breakdown.groups] == ["1", "2"]
    # More errors are worse.
    assert breakdown.worst(1)[0][0] == "1"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a b", "a b"),
        ("a", 'a <del title="missing">b</del>'),
        ("a b <c>", 'a b <ins title="too much">&lt;c&gt;</ins>'),
        ("a c", 'a <mark title="instead of b">c</mark>'),
        ("", "<small>nothing is said</small>"),
    ],
)
def test_errors_are_marked(said: str, shown: str) -> None:
    assert alignment.marked("a b", said) == shown
