"""Byte-level BPE and others: by the package, and as a graph."""

import json
import random
from pathlib import Path

import pytest
import tensorflow as tf

from kft import errors
from kft.data.text import hub_tokenizer, text_tokenizer, tokenizer_graph, word_tokens
from kft.data.text.hub_tokenizer import HubTokenizer

tokenizers = pytest.importorskip("tokenizers", reason="needs the extra text")

_TEXTS = (
    "The film isn't bad, they'll say it's the best of 1999!",
    "a very good film of the year 2024: we've seen them all, I'd say.",
)
_PARTS = (
    *("'s", "'re", "'ll", " ", "  ", "a", "Ab", "1", "23", "!", "?!", "\n", "\t"),
    *("\u00a0", "é", "中", "😀", "\u0301", "<s>", "</s>", "'", "''", "don't", "\r\n"),
    *("x'", "the", " film", "1999"),
)


def _tokenizer(pre_tokenizer: object, *, frame: bool = True) -> HubTokenizer:
    """Return one that is trained on a few texts."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = pre_tokenizer
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=360,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    made.train_from_iterator(_TEXTS * 5, trainer)
    if frame:
        made.post_processor = tokenizers.processors.RobertaProcessing(
            ("</s>", 1), ("<s>", 0), add_prefix_space=False
        )
    made.decoder = tokenizers.decoders.ByteLevel()
    return HubTokenizer(made.to_str())


def _kinds() -> dict[str, object]:
    pre = tokenizers.pre_tokenizers
    byte_level = pre.ByteLevel(add_prefix_space=False)
    return {
        "gpt2": byte_level,
        "a blank first": pre.ByteLevel(add_prefix_space=True),
        "smollm": pre.Sequence([pre.Digits(individual_digits=True), byte_level]),
    }


def _random_texts() -> list[str]:
    rng = random.Random(0)
    return [
        "".join(rng.choice(_PARTS) for _ in range(rng.randrange(12)))
        for _ in range(1500)
    ]


@pytest.mark.parametrize("kind", ["gpt2", "a blank first", "smollm"])
def test_the_graph_gives_the_tokens_of_the_package(kind: str) -> None:
    tokenizer = _tokenizer(_kinds()[kind])
    graph = tf.function(tokenizer_graph.make(tokenizer).pieces)
    texts = ["", " ", *_TEXTS, *_random_texts()]
    found = graph(tf.constant(texts)).to_list()
    for text, ours, expected in zip(texts, found, tokenizer.pieces(texts), strict=True):
        assert ours == expected, repr(text)


@pytest.mark.parametrize("frame", [True, False])
def test_texts_are_framed_and_cut_alike(frame: bool) -> None:
    tokenizer = _tokenizer(_kinds()["gpt2"], frame=frame)
    assert (tokenizer.begin_ids, tokenizer.end_ids) == (
        ((0,), (1,)) if frame else ((), ())
    )
    encoded = text_tokenizer.encode(tokenizer, _TEXTS, max_length=9)
    inputs = tokenizer_graph.inputs(
        tokenizer, tokenizer_graph.make(tokenizer), tf.constant(_TEXTS), max_length=9
    )
    for row, (ids, uncut) in enumerate(encoded):
        assert len(ids) == 9 < uncut
        assert inputs["token_ids"][row].numpy().tolist() == ids.tolist()


def test_words_have_a_blank_before_them_and_the_graph_agrees() -> None:
    tokenizer = _tokenizer(_kinds()["gpt2"])
    texts = ["isn't the\x1ffilm!\x1f", *_TEXTS]
    inputs, _ = word_tokens.WordTokensGraph(tokenizer, max_length=30)(
        tf.constant(texts)
    )
    for row, one in enumerate(word_tokens.encode(tokenizer, texts, max_length=30)):
        length = len(one.token_ids)
        assert inputs["token_ids"][row, :length].numpy().tolist() == (
            one.token_ids.tolist()
        )
        assert inputs["first_tokens"][row, :length].numpy().tolist() == (
            one.first_tokens.tolist()
        )


def test_a_special_token_is_text_and_texts_can_be_read_again() -> None:
    tokenizer = _tokenizer(_kinds()["gpt2"])
    (pieces,) = tokenizer.pieces(["</s>"])
    assert 1 not in pieces
    ((ids, _),) = text_tokenizer.encode(tokenizer, ["a film"], max_length=20)
    assert tokenizer.decode(ids) == "a film"


def test_a_tokenizer_comes_back_from_json_and_from_its_folder(tmp_path: Path) -> None:
    tokenizer = _tokenizer(_kinds()["gpt2"])
    stored = json.loads(json.dumps(text_tokenizer.to_json(tokenizer)))
    assert text_tokenizer.from_json(stored) == tokenizer
    (tmp_path / "tokenizer.json").write_text(tokenizer.content)
    assert text_tokenizer.read(tmp_path, "x").digest == tokenizer.digest


def test_unigram_has_tokens_and_no_graph() -> None:
    model = tokenizers.models.Unigram([("<unk>", 0.0), ("▁a", -1.0), ("b", -2.0)], 0)
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer = HubTokenizer(made.to_str())
    assert tokenizer.pieces(["ab"]) == [[1, 2]]
    assert tokenizer.unknown_id == 0
    assert not tokenizer_graph.is_known(tokenizer)
    with pytest.raises(errors.ConfigError, match="neither WordPiece nor byte-level"):
        tokenizer_graph.make(tokenizer)


@pytest.mark.parametrize("content", ["{", "[]", '{"model": {"type": "BPE"}}'])
def test_a_damaged_file_is_a_mistake_not_a_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(errors.ConfigError, match=r"--backbone=x: .*tokenizer\.json"):
        text_tokenizer.read(tmp_path, "--backbone=x")
    with pytest.raises(errors.ConfigError, match=r"tokenizer\.json cannot be read"):
        hub_tokenizer.read(tmp_path / "tokenizer.json", "--backbone=x")
