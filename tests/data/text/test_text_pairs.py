"""Pairs of texts: tokens, types and cuts, as the package `tokenizers` makes them."""

import itertools
import random

import pytest
import tensorflow as tf

from kft import errors
from kft.data.text import hub_tokenizer, text_pairs, text_tokenizer, tokenizer_graph
from kft.data.text.hub_tokenizer import HubTokenizer
from kft.data.text.text_tokenizer import TextTokenizer
from kft.data.text.wordpiece import WordPiece
from tests import tiny_bert

tokenizers = pytest.importorskip("tokenizers", reason="needs the extra text")


def _byte_bpe(post_processor: object) -> HubTokenizer:
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    made.train_from_iterator(["a good film of the very best", "bad films"], trainer)
    if post_processor is not None:
        made.post_processor = post_processor
    return HubTokenizer(made.to_str())


def _of(family: str) -> tuple[TextTokenizer, object]:
    """Return a tokenizer of ours, and the package's own with all that is around it."""
    processors = tokenizers.processors
    if family == "bert":
        ours = WordPiece(tiny_bert.WORDS)
        package = tokenizers.Tokenizer.from_str(ours._tokenizer.to_str())
        ids = ours.ids
        package.post_processor = processors.BertProcessing(
            ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
        )
        return ours, package
    around = {
        "roberta": processors.RobertaProcessing(
            ("</s>", 1), ("<s>", 0), add_prefix_space=False
        ),
        "gpt2": None,
        "albert": processors.TemplateProcessing(
            single="<s> $A </s>",
            pair="<s> $A </s> $B:1 </s>:1",
            special_tokens=[("<s>", 0), ("</s>", 1)],
        ),
    }
    ours = _byte_bpe(around[family])
    return ours, tokenizers.Tokenizer.from_str(ours.content)


def _pairs() -> list[tuple[str, str]]:
    rng = random.Random(0)
    words = ("good", "bad", "film", "a", "very", "unaffordable", "中", "!", "é", "x")

    def text() -> str:
        return " ".join(rng.choices(words, k=rng.randrange(14)))

    return [(text(), text()) for _ in range(200)]


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "albert"])
@pytest.mark.parametrize("max_length", [11, 12])
def test_tokens_of_pairs_are_those_of_the_package(family: str, max_length: int) -> None:
    ours, package = _of(family)
    package.enable_truncation(max_length, strategy="longest_first")
    pairs = _pairs()
    expected = package.encode_batch(pairs)
    encoded = text_tokenizer.encode_pairs(ours, pairs, max_length=max_length)
    graph = tokenizer_graph.make(ours)
    served = tokenizer_graph.pair_inputs(
        ours,
        graph,
        tuple(tf.constant(column) for column in zip(*pairs, strict=True)),
        max_length=max_length,
    )
    for row, (one, right) in enumerate(zip(encoded, expected, strict=True)):
        assert one.ids.tolist() == right.ids, pairs[row]
        length = len(right.ids)
        assert served["token_ids"][row, :length].numpy().tolist() == right.ids
        assert served["mask"][row].numpy().sum() == length
        if family in ("bert", "albert"):
            assert one.types.tolist() == right.type_ids
            types = served["token_types"][row, :length].numpy().tolist()
            assert types == right.type_ids


@pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
def test_a_tokenizer_json_does_all_of_it(family: str) -> None:
    ours, _ = _of(family)
    written = tokenizers.Tokenizer.from_str(ours.tokenizer_json(max_length=11))
    texts = ["[SEP] </s> <s> a good film", "a", *map(" ".join, _pairs())]
    encoded = text_tokenizer.encode(ours, texts, max_length=11)
    found = [one.ids for one in written.encode_batch(texts)]
    assert found == [ids.tolist() for ids, _ in encoded]
    pairs = [(text, texts[0]) for text in texts]
    both = text_tokenizer.encode_pairs(ours, pairs, max_length=11)
    for one, right in zip(both, written.encode_batch(pairs), strict=True):
        assert one.ids.tolist() == right.ids


def test_some_pairs_are_cut_and_others_are_not() -> None:
    ours, _ = _of("bert")
    uncut = [
        one.uncut for one in text_tokenizer.encode_pairs(ours, _pairs(), max_length=12)
    ]
    assert min(uncut) < 12 < max(uncut)


def test_the_longer_text_is_cut_first() -> None:
    for first, second, most in itertools.product(range(12), range(12), range(2, 12)):
        kept = text_pairs.lengths(first, second, most)
        assert sum(kept) == min(first + second, most)
        shorter = min(first, second)
        assert min(kept) >= min(shorter, most // 2)


@pytest.mark.parametrize("text", ["one", "one\0two\0three"])
def test_what_is_no_pair_is_named(text: str) -> None:
    with pytest.raises(errors.DataError, match="Example a.txt: expected a pair"):
        text_pairs.split(text, "a.txt")


def test_a_frame_that_pairs_change_is_refused() -> None:
    odd = tokenizers.processors.TemplateProcessing(
        single="<s> $A", pair="$A </s> $B", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer = _byte_bpe(odd)
    assert isinstance(tokenizer, hub_tokenizer.HubTokenizer)
    with pytest.raises(errors.ConfigError, match="--pairs"):
        tokenizer.between_ids  # noqa: B018
