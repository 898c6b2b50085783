"""The beam search against all texts counted out."""

import itertools
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.data.labels import LabelMap
from kft.tasks.speech_recognition import bigram, prefix_beam_search
from kft.tasks.speech_recognition.text_scorers import (
    CharacterScorer,
    WordList,
    WordScorer,
)

SYMBOLS = LabelMap(("<space>", "a", "b"))
BLANK = 3
TEXTS = ("a b", "ab a", "b", "ab ab b")
OPTIONS = {"weight": 0.7, "bonus": 0.4}


def _character_scorer() -> CharacterScorer:
    model = bigram.of_characters(bigram.count(TEXTS), len(SYMBOLS))
    return CharacterScorer(model, SYMBOLS, **OPTIONS)


def _word_scorer() -> WordScorer:
    pairs = bigram.count(text.split() for text in TEXTS)
    return WordScorer(bigram.of_words(pairs, len(SYMBOLS)), SYMBOLS, **OPTIONS)


def _worth(scorer, text: tuple[int, ...]) -> float:
    added = [scorer.added(text[:at], text[at]) for at in range(len(text))]
    return sum(added) + scorer.ending(text)


def _all(logs: np.ndarray, scorers) -> dict[tuple[int, ...], float]:
    """Return what every text is worth, over all paths that spell it."""
    sums: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(BLANK + 1), repeat=len(logs)):
        text = tuple(key for key, _ in itertools.groupby(path) if key != BLANK)
        probability = math.exp(sum(logs[step, one] for step, one in enumerate(path)))
        sums[text] = sums.get(text, 0.0) + probability
    return {
        text: math.log(total) + sum(_worth(one, text) for one in scorers)
        for text, total in sums.items()
    }


@pytest.mark.parametrize(
    "scorers",
    [
        (),
        (_character_scorer(),),
        (_word_scorer(),),
        (WordList(("ab", "b"), SYMBOLS),),
        (WordList(("ab", "b"), SYMBOLS), _word_scorer()),
    ],
    ids=["ctc", "characters", "words", "list", "list and words"],
)
@hypothesis.given(data=st.data(), steps=st.integers(1, 4))
@hypothesis.settings(max_examples=25, deadline=None)
def test_a_wide_beam_finds_the_best_of_all_texts(scorers, data, steps: int) -> None:
    numbers = st.floats(-3, 3).map(lambda x: round(x, 3))
    logits = np.array(
        [[data.draw(numbers) for _ in range(BLANK + 1)] for _ in range(steps)]
    )
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    expected = _all(logs, scorers)
    found = dict(prefix_beam_search.search(logs, width=1000, scorers=scorers))
    for text, worth in expected.items():
        if worth > -math.inf:
            assert found[text] == pytest.approx(worth, abs=1e-9)
    best = prefix_beam_search.search(logs, width=1000, scorers=scorers)[0]
    assert best.score == pytest.approx(max(expected.values()), abs=1e-9)


def test_ways_to_spell_a_text_count_together() -> None:
    # Blanks are the likeliest at each step, "a" is in three paths of four.
    probabilities = np.array([[0.0, 0.45, 0.0, 0.55]] * 2) + 1e-12
    best = prefix_beam_search.search(np.log(probabilities), width=4)[0]
    assert best.symbols == (1,)
    assert math.exp(best.score) == pytest.approx(1 - 0.55**2)


def test_a_narrow_beam_and_a_floor_leave_texts_out() -> None:
    logs = np.log(np.array([[0.1, 0.2, 0.3, 0.4]] * 3))
    assert len(prefix_beam_search.search(logs, width=2)) == 2
    floor = math.log(0.15)
    found = prefix_beam_search.search(logs, width=100, least=floor)
    assert {symbol for text, _ in found for symbol in text} == {1, 2}


def test_a_list_allows_its_words_with_single_blanks() -> None:
    words = WordList(("ab", "b"), SYMBOLS)
    spelled = {
        text
        for length in range(5)
        for text in itertools.product(range(3), repeat=length)
        if _worth(words, text) == 0
    }
    texts = {"".join(" ab"[one] for one in text) for text in spelled}
    assert texts == {"", "b", "ab", "b ", "ab ", "b b", "b ab", "ab b", "b b "}


@pytest.mark.parametrize(
    ("words", "said"),
    [(("aba",), ""), (("a", "aba"), "a"), (("abab",), ""), (("ab",), "ab")],
)
def test_a_word_that_is_not_whole_at_the_end_is_cut(words, said: str) -> None:
    # "ab" is sure, so that a narrow beam follows nothing else.
    probabilities = np.full([2, BLANK + 1], 1e-9)
    probabilities[0, 1] = probabilities[1, 2] = 1
    options = {"width": 1, "scorers": (WordList(words, SYMBOLS), _word_scorer())}
    found = prefix_beam_search.best(np.log(probabilities), **options)
    assert "".join(" ab"[one] for one in found) == said


def test_a_whole_word_is_better_than_a_likelier_beginning() -> None:
    logs = np.log(np.array([[1e-9, 0.9, 0.1, 1e-9]]))
    scorers = (WordList(("ab", "b"), SYMBOLS),)
    assert prefix_beam_search.best(logs, width=1, scorers=scorers) == ()
    assert prefix_beam_search.best(logs, width=4, scorers=scorers) == (2,)


def test_probabilities_of_what_follows_sum_to_one() -> None:
    model = bigram.of_characters(bigram.count(TEXTS), len(SYMBOLS))
    for first in ("", " ", "a", "b", "never"):
        total = sum(math.exp(model.log(first, sign)) for sign in ("", " ", "a", "b"))
        assert total == pytest.approx(1)


def test_a_word_is_likelier_after_one_that_it_followed() -> None:
    model = bigram.of_words(bigram.count(one.split() for one in TEXTS), len(SYMBOLS))
    assert model.log("ab", "a") > model.log("b", "a")
    # Seen, unseen but spelled alike, and unlike anything.
    seen = [model.log("", word) for word in ("ab", "abb", "bababaab")]
    assert seen == sorted(seen, reverse=True)
    assert all(map(math.isfinite, seen))
    nothing = bigram.of_words({}, 3)
    assert math.isfinite(nothing.log("a", "b"))


def test_a_word_may_be_so_long_that_its_probability_is_no_float() -> None:
    model = bigram.of_words(bigram.count(one.split() for one in TEXTS), len(SYMBOLS))
    for first in ("", "ab", "never"):
        scores = [model.log(first, "b" * length) for length in (10, 100, 1000)]
        assert all(map(math.isfinite, scores))
        assert scores[2] < scores[1] < scores[0]
        # A letter more costs the same.
        assert scores[2] - scores[1] == pytest.approx(10 * (scores[1] - scores[0]))
