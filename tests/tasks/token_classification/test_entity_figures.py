import random

import numpy as np
import pytest
import tensorflow as tf

from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.data.text import tag_schemes
from kft.data.text.tag_schemes import Entity
from kft.metrics.predictions import Predictions
from kft.tasks.token_classification import entity_figures
from kft.tasks.token_classification.tag_objective import TagObjective

TAGS = ("O", "B-a", "I-a", "B-b", "I-b", "B-c", "I-c")
# seqeval 1.2.2 on what `_rows` returns: precision, recall, F1 of all and of each type,
# then the mean F1 of the types and that by their numbers.
SEQEVAL = (0.6927710843373494, 0.7120743034055728, 0.7022900763358779)
SEQEVAL_TYPES = {
    "a": (0.71900826446281, 0.7310924369747899, 0.725, 119),
    "b": (0.7211538461538461, 0.6880733944954128, 0.704225352112676, 109),
    "c": (0.6355140186915887, 0.7157894736842105, 0.6732673267326732, 95),
}
SEQEVAL_MACRO, SEQEVAL_WEIGHTED = 0.7008308929484497, 0.7027738681730205


def _rows() -> list[tuple[list[str], list[str]]]:
    """Return true tags of 60 texts and answers, many of them not valid."""
    rng = random.Random(7)
    found = []
    for _ in range(60):
        true = [rng.choice(TAGS) for _ in range(rng.randrange(1, 15))]
        said = [one if rng.random() < 0.7 else rng.choice(TAGS) for one in true]
        found.append((true, said))
    return found


def _predictions(rows: list[tuple[list[str], list[str]]]) -> Predictions:
    """Return logits that say the answers, with rows that are no words behind them."""
    labels = [np.array([TAGS.index(tag) for tag in true], np.int32) for true, _ in rows]
    logits = [
        np.pad(
            np.eye(7, dtype=np.float32)[[TAGS.index(tag) for tag in said]],
            [(0, 2), (0, 0)],
        )
        for _, said in rows
    ]
    ids = np.array([str(number) for number in range(len(rows))])
    return Predictions(ids, Ragged.from_rows(labels), Ragged.from_rows(logits))


def test_figures_are_those_of_seqeval() -> None:
    figures = entity_figures.measure(_predictions(_rows()), TAGS)
    assert figures.all.scores == pytest.approx(SEQEVAL, abs=1e-12)
    for kind, expected in SEQEVAL_TYPES.items():
        counts = figures.types[kind]
        assert (*counts.scores, counts.true) == pytest.approx(expected, abs=1e-12)
    assert figures.macro_f1 == pytest.approx(SEQEVAL_MACRO, abs=1e-12)
    assert figures.weighted_f1 == pytest.approx(SEQEVAL_WEIGHTED, abs=1e-12)


def test_sums_over_batches_give_the_same_figures() -> None:
    found = _predictions(_rows())
    objective = TagObjective(LabelMap(TAGS))
    sums = dict.fromkeys(objective.total_names, 0.0)
    for rows in (np.arange(20), np.arange(20, 60)):
        targets = tf.constant(found.labels.padded(rows, 16, fill=-1))
        # As many steps as the tokens have, which may be fewer than there are words.
        outputs = tf.constant(found.logits.padded(rows, 20)[:, :15])
        totals = objective.totals(targets, outputs, training=False)
        for name, value in totals.items():
            sums[name] += float(tf.reduce_sum(value))
    figures = objective.figures(sums)
    expected = objective.evaluate(found).to_json()
    assert figures == pytest.approx({n: expected[n] for n in figures}, abs=1e-6)


def test_a_word_that_was_cut_is_a_miss_and_has_no_loss() -> None:
    rows = [(["B-a", "O", "B-b", "I-b"], ["B-a", "O"])]
    figures = entity_figures.measure(_cut(rows), TAGS)
    assert (figures.words, figures.cut_words) == (4, 2)
    assert figures.all.scores == pytest.approx((1.0, 0.5, 2 / 3))
    assert figures.word_accuracy == 0.5
    assert figures.errors["missed"] == 1
    objective = TagObjective(LabelMap(TAGS))
    whole, cut = _predictions([(rows[0][0][:2], rows[0][1])]), _cut(rows)
    losses = [
        float(
            objective.losses(
                tf.constant(one.labels.padded([0], 4, fill=-1)),
                tf.constant(one.logits.padded([0], 4)),
            )[0]
        )
        for one in (whole, cut)
    ]
    # The same sum, over twice as many words.
    assert losses[1] == pytest.approx(losses[0] / 2)


def _cut(rows: list[tuple[list[str], list[str]]]) -> Predictions:
    return _predictions(rows)


def test_each_error_has_its_kind() -> None:
    true = [Entity("a", 0, 2), Entity("b", 3, 4), Entity("a", 5, 7), Entity("c", 8, 9)]
    said = [
        Entity("a", 0, 1),
        Entity("c", 3, 4),
        Entity("b", 5, 6),
        Entity("a", 10, 11),
    ]
    kinds = [kind for kind, _ in entity_figures.errors_of(true, said)]
    assert kinds == ["wrong_border", "wrong_type", "wrong_both", "missed", "spurious"]
    assert list(entity_figures.errors_of(true, true)) == []


def test_scores_count_tags_as_they_are_said_and_answers_are_repaired() -> None:
    said = ["I-a", "I-b", "O"]
    assert tag_schemes.entities(said) == [Entity("a", 0, 1), Entity("b", 1, 2)]
    assert tag_schemes.repaired(said) == ["B-a", "B-b", "O"]
