import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.data.text import text_tokenizer, tokenizer_graph, wordpiece
from kft.data.text.constant_table import ConstantTable
from kft.data.text.wordpiece import WordPiece
from tests import tiny_bert

tokenizers = pytest.importorskip("tokenizers", reason="needs the extra text")

# Single characters, so that most words have pieces.
_VOCABULARY = (
    *tiny_bert.WORDS,
    *(letter for letter in "defghijklmnopqrstuvwyz日本語ä"),
    *(f"##{letter}" for letter in "abcdfghijklmnopqrtuvwz日本語ä"),
)
HARD = [
    *("", "   ", "\t\n", "good film!", "Unaffordables", "a [SEP] b [CLS] [PAD]"),
    *("Café CAFÉ cafe\u0301", "naïve façade Ångström", "İstanbul ǅ ß Σίσυφος"),
    *(
        "中文字符 abc中a",
        "日本語。テスト、",
        "한국어 텍스트",
        "שלום مرحبا",
        "\ufb01 \uff11\uff12\uff13 \xbd",
    ),
    *("😀😀 a", "👩\u200d👩\u200d👧 family", "🇩🇪", "hello,world!it's-a.b_c"),
    *("x" * 100, "x" * 101, "y" * 100_000, "##s ## # [unk]", "\u037e ; a;b"),
    *("a\u0085b\u2028c\u200bd\u00a0e\ufefff", "\x00\x01ctrl\x7f", "\ufffd", "a\r\nb"),
    *("\u0301 leading accent", "e\u0301\u0302\u0323", "\u3000wide\u3000blank"),
    *("\U0001f9d1\u200d", "\U00020000 \U000e0041", "very good, the film"),
]


class _Pair:
    """A tokenizer, by the package and as a graph that is traced once."""

    def __init__(self, tokenizer: WordPiece, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length
        graph = tokenizer_graph.make(tokenizer)
        self._graph = tf.function(
            lambda texts: tokenizer_graph.inputs(
                tokenizer, graph, texts, max_length=max_length
            ),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )

    def assert_equal(self, texts: list[str]) -> None:
        found = self._graph(tf.constant([text.encode() for text in texts]))
        ids, mask = found["token_ids"].numpy(), found["mask"].numpy()
        encoded = text_tokenizer.encode(
            self._tokenizer, texts, max_length=self._max_length
        )
        for row, (expected, _) in enumerate(encoded):
            ours = ids[row][mask[row] > 0]
            np.testing.assert_array_equal(ours, expected, err_msg=repr(texts[row][:50]))
            assert not ids[row][mask[row] == 0].any()

    def of_nothing(self) -> int:
        return len(self._graph(tf.constant([], tf.string))["token_ids"])


@pytest.fixture(scope="module")
def uncased() -> _Pair:
    return _Pair(WordPiece(_VOCABULARY), 200)


def _fuzz() -> list[str]:
    rng = np.random.default_rng(0)
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return [
        "".join(map(chr, [*rng.choice(codes, 4), *rng.choice(codes[:0x3000], 20)]))
        for _ in range(300)
    ]


def test_the_graph_gives_the_tokens_of_the_package(uncased: _Pair) -> None:
    uncased.assert_equal(HARD)
    uncased.assert_equal(_fuzz())
    assert uncased.of_nothing() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "tokenizer",
    [
        WordPiece(_VOCABULARY, lowercase=False, strip_accents=False),
        WordPiece(_VOCABULARY, strip_accents=False, max_word_length=4),
        WordPiece(_VOCABULARY, clean_text=False, split_chinese=False),
    ],
    ids=["cased", "accents", "raw"],
)
def test_so_it_does_however_text_is_cleaned(tokenizer: WordPiece) -> None:
    pair = _Pair(tokenizer, 9)
    pair.assert_equal(HARD)
    pair.assert_equal(_fuzz())


def test_what_looks_like_a_special_token_is_text() -> None:
    tokenizer = WordPiece(_VOCABULARY)
    tokens = [_VOCABULARY[number] for number in tokenizer.pieces(["[SEP]"])[0]]
    assert tokens == ["[", "sep", "]"]


def test_the_text_for_people_has_whole_words() -> None:
    tokenizer = WordPiece(_VOCABULARY)
    ((ids, _),) = text_tokenizer.encode(tokenizer, ["Unaffordables!"], max_length=9)
    assert tokenizer.decode(ids) == "unaffordables !"


def test_a_tokenizer_comes_back_from_json() -> None:
    tokenizer = WordPiece(_VOCABULARY, lowercase=False)
    stored = json.loads(json.dumps(tokenizer.to_json()))
    assert WordPiece.from_json(stored) == tokenizer
    assert WordPiece.from_json(stored).digest == tokenizer.digest
    assert tokenizer.digest != WordPiece(_VOCABULARY).digest


def _written(folder: Path, **changes: object) -> Path:
    """Write a tokenizer.json as the package itself does."""
    model = tokenizers.models.WordPiece(
        {token: number for number, token in enumerate(_VOCABULARY)}, unk_token="[UNK]"
    )
    made = tokenizers.Tokenizer(model)
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    values = {**json.loads(made.to_str()), **changes}
    (folder / "tokenizer.json").write_text(json.dumps(values))
    return folder


def test_a_folder_says_how_its_text_is_cleaned(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in _VOCABULARY))
    assert wordpiece.read(tmp_path, "x") == WordPiece(_VOCABULARY)
    settings = {"do_lower_case": False, "strip_accents": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert wordpiece.read(tmp_path, "x") == WordPiece(_VOCABULARY, lowercase=False)
    found = wordpiece.read(_written(tmp_path), "x")
    assert found == WordPiece(_VOCABULARY, lowercase=False, strip_accents=False)


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    for part in ("normalizer", "pre_tokenizer", "model"):
        _written(tmp_path, **{part: {"type": "Other"}})
        with pytest.raises(errors.ConfigError, match=f"expected the {part}"):
            wordpiece.read(tmp_path, "--backbone=x")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(errors.ConfigError, match="cannot be read"):
        wordpiece.read(tmp_path, "--backbone=x")
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(errors.ConfigError, match="there is neither"):
        wordpiece.read(tmp_path, "--backbone=x")
    (tmp_path / "vocab.txt").write_text("a\nb\na\n")
    with pytest.raises(errors.ConfigError, match="each token once"):
        wordpiece.read(tmp_path, "--backbone=x")


def test_a_table_finds_its_keys_and_no_others() -> None:
    keys = [f"key{number}" for number in range(1000)]
    table = ConstantTable(keys)
    asked = [["key7", "key999"], ["", "key1000"]]
    assert table.lookup(tf.constant(asked)).numpy().tolist() == [[7, 999], [-1, -1]]


def test_all_reviews_become_the_same_tokens(uncased: _Pair, shared: Path) -> None:
    with (shared / "data/reviews/reviews.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for start in range(0, len(texts), 1000):
        uncased.assert_equal(texts[start : start + 1000])
