import random

import numpy as np
import pytest
import tensorflow as tf

from kft.data.text import word_tokens, words, words_graph
from kft.data.text.wordpiece import WordPiece
from tests import tiny_bert

HARD = (
    *("", "  ", "a", "Paul's ESB. (Rome)", "New York-based #tag @me_2"),
    *(
        "日本語 is 中文字",
        "e\u0301 \u0301x !\u0301b",
        "👩\u200d👧 ok",
        "a\u200db \u200d",
    ),
    *("foo\x1fbar baz\x1f!\x1f", "\x1f", "שלום עולם", "x\x00y\tz\r\nw\u00a0v"),
)


def _texts() -> list[str]:
    rng = random.Random(0)
    signs = "ab _1!.\u0301\u200d中é😀 \t\u00a0-'x"
    found = list(HARD)
    for pool in (signs, f"{signs}\x1f"):
        for _ in range(300):
            found.append("".join(rng.choice(pool) for _ in range(rng.randrange(30))))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paul's ESB.", ["Paul", "'", "s", "ESB", "."]),
        ("New York-based @me_2", ["New", "York", "-", "based", "@", "me_2"]),
        ("日本 is", ["日", "本", "is"]),
        ("cafe\u0301 👍\ufe0f", ["cafe\u0301", "👍\ufe0f"]),
        ("'s\x1fNew York\x1f", ["'s", "New York"]),
        (" \t\r\n", []),
    ],
)
def test_words_are_runs_of_letters_and_single_signs(
    text: str, expected: list[str]
) -> None:
    assert words.of_text(text) == expected


def test_words_that_are_split_stay_as_they_are() -> None:
    split = ["@paul", "'s", "a.b", "!!"]
    assert words.of_text(words.joined(split)) == split


def test_the_graph_finds_the_same_words_at_the_same_places() -> None:
    texts = _texts()
    found = words_graph.split(tf.constant(texts))
    columns = (part.to_list() for part in found)
    for text, own, begins, ends in zip(texts, *columns, strict=True):
        assert [word.decode() for word in own] == words.of_text(text)
        places = list(zip(begins, ends, strict=True))
        assert places == [tuple(span) for span in words.spans(text)]


@pytest.mark.parametrize("max_length", [5, 24])
def test_the_graph_makes_the_same_tokens_and_cuts_between_words(
    max_length: int,
) -> None:
    pytest.importorskip("tokenizers", reason="needs the extra text")
    tokenizer = WordPiece(tiny_bert.WORDS)
    texts = [*_texts(), "unaffordable unaffordables a"]
    graph = word_tokens.WordTokensGraph(tokenizer, max_length=max_length)
    inputs, read = graph(tf.constant(texts))
    encoded = word_tokens.encode(tokenizer, texts, max_length=max_length)
    for row, one in enumerate(encoded):
        length = len(one.token_ids)
        assert length <= max_length
        for name, expected in (
            ("token_ids", one.token_ids),
            ("first_tokens", one.first_tokens),
            ("mask", np.ones(length)),
        ):
            np.testing.assert_array_equal(inputs[name][row, :length], expected)
            assert not np.any(inputs[name][row, length:])
        fitting = np.count_nonzero(one.first_tokens)
        assert read.words.row_lengths()[row] == fitting <= one.words
    # Three pieces and four, and a border between the words.
    assert encoded[-1].first_tokens.tolist()[:2] == [1, 4 if max_length > 5 else 0]
    assert encoded[-1].words == 3


def test_a_word_of_which_nothing_is_left_is_the_unknown_token() -> None:
    pytest.importorskip("tokenizers", reason="needs the extra text")
    tokenizer = WordPiece(tiny_bert.WORDS)
    (one,) = word_tokens.encode(tokenizer, ["a\x1f\u200d\x1fb\x1f"], max_length=9)
    assert [tiny_bert.WORDS[number] for number in one.token_ids] == (
        ["[CLS]", "a", "[UNK]", "b", "[SEP]"]
    )
    assert one.first_tokens.tolist() == [1, 2, 3, 0, 0]
