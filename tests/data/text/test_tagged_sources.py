"""Files of words with tags, and of texts with entities at places."""

from pathlib import Path

import pytest
import tensorflow as tf

from kft import data, errors
from kft.config import TokenClassificationConfig
from kft.data import label_arrays
from kft.data.examples import Examples, Splits
from kft.data.labels import LabelMap
from kft.data.text import tag_schemes, words
from kft.tasks import token_classification

CONLL = "Ada\tB-person\nlives\tO\nin\tO\n\nNew\tB-place\nYork\tI-place\n"


def _load(dataset: str, **options: object) -> Splits:
    config = TokenClassificationConfig(dataset=dataset, **options)
    return data.load_splits(config, token_classification.KIND.sources)


def _file(folder: Path, content: bytes | str, name: str = "words.conll") -> str:
    encoded = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(encoded)
    return f"{'jsonl' if name.endswith('jsonl') else 'conll'}:{folder / name}"


def _tagged(part: Examples, splits: Splits) -> dict[str, str]:
    read = part.read(tf.constant(part.rows)).numpy()
    texts = label_arrays.texts(part.labels, splits.labels)
    said = (words.readable(text.decode()).strip() for text in read)
    return dict(zip(said, texts, strict=True))


def test_sentences_come_with_a_tag_for_each_word(tmp_path: Path) -> None:
    splits = _load(_file(tmp_path, CONLL), validation_fraction=0.0)
    assert splits.labels.names == ("O", "B-person", "I-person", "B-place", "I-place")
    assert _tagged(splits.train, splits) == {
        "Ada lives in": "B-person O O",
        "New York": "B-place I-place",
    }


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + CONLL.replace("\n", "\r\n"),
        CONLL.replace("\t", " "),
        "-DOCSTART-\tO\n\n" + CONLL,
        CONLL.replace("\n\n", "\n\t\n \n\n"),
        CONLL.replace("B-", "I-"),
        CONLL.replace("B-person", "S-person").replace("I-place", "E-place"),
    ],
    ids=["BOM and CRLF", "blanks", "documents", "white lines", "IOB1", "BIOES"],
)
def test_the_same_sentences_are_read_from_every_kind_of_file(
    tmp_path: Path, content: str
) -> None:
    splits = _load(_file(tmp_path, content), validation_fraction=0.0)
    assert _tagged(splits.train, splits)["New York"] == "B-place I-place"
    assert len(splits.train) == 2


def test_a_folder_has_a_file_for_each_split(tmp_path: Path) -> None:
    for name in ("train.conll", "dev.conll", "test.txt"):
        _file(tmp_path, CONLL, name)
    (tmp_path / "README.md").write_text("not a split")
    parts = _load(f"conll:{tmp_path}").parts()
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }


def test_columns_are_told_by_number(tmp_path: Path) -> None:
    content = "1 Ada NNP B-person _\n2 sang VBD O _\n"
    splits = _load(
        _file(tmp_path, content),
        conll_columns=("word=2", "tag=-2"),
        validation_fraction=0.0,
    )
    assert _tagged(splits.train, splits) == {"Ada sang": "B-person O"}


def test_what_is_measured_only_may_lack_types_and_have_others(tmp_path: Path) -> None:
    dataset = _file(tmp_path, "a O\nIBM B-firm\n", "test.conll")
    config = TokenClassificationConfig(dataset=dataset.replace("/test.conll", ""))
    sources = token_classification.KIND.sources
    run = LabelMap(tag_schemes.names(["person"]))
    found = data.load_known(config, sources, run)
    assert found.labels.names == (*run.names, "B-firm", "I-firm")
    assert found.parts["test"].labels[0].tolist() == [0, 3]


BAD_CONLL = {
    "not UTF-8": (b"caf\xe9 O\n", "line 1: .*UTF-8"),
    "no tag": ("Ada B-a\nlives\n", "line 2: expected a word and its tag"),
    "no word": ("Ada B-a\n\tO\nx O\n", "line 2: expected a word, received ''"),
    "a NUL": ("A\0da B-a\n", r"line 1: expected a word, received 'A\\x00da'"),
    "no tag of ours": ("Ada X-a\n", "line 1: expected O, B-TYPE or I-TYPE.*'X-a'"),
    "a tag without type": ("Ada B-\n", "line 1: expected O, B-TYPE"),
    "mixed schemes": ("a B-x\nb O\nc I-x\n", "line 3: .*goes on with nothing after O"),
    "nothing": ("\n\n", "there is none"),
    "no entity": ("a O\nb O\n", "received only O in 1 texts"),
}


@pytest.mark.parametrize("name", BAD_CONLL)
def test_what_are_no_words_with_tags_is_named_with_file_and_line(
    tmp_path: Path, name: str
) -> None:
    content, message = BAD_CONLL[name]
    with pytest.raises(errors.DataError, match=message) as caught:
        _load(_file(tmp_path, content))
    assert "words.conll" in str(caught.value)


def test_only_plain_blanks_are_between_columns(tmp_path: Path) -> None:
    content = "10\u00a0000 NUM B-sum\n\u3000euros\u2009 NOUN I-sum\nx SYM O\n"
    splits = _load(_file(tmp_path, content), validation_fraction=0.0)
    (text,) = splits.train.read(tf.constant(splits.train.rows)).numpy()
    assert words.of_text(text.decode()) == ["10\u00a0000", "euros", "x"]


def test_hard_texts_are_read_as_they_are(tmp_path: Path) -> None:
    long = "x" * 100_000
    content = f"{long} B-a\n👩\u200d👧 O\nمرحب I-a\n"
    splits = _load(_file(tmp_path, content), validation_fraction=0.0, tag_scheme="iob1")
    (text,) = splits.train.read(tf.constant(splits.train.rows)).numpy()
    assert words.of_text(text.decode()) == [long, "👩\u200d👧", "مرحب"]


JSONL = (
    '{"text": "Ada lives in New York.", "entities": [[0, 3, "person"], '
    '{"start": 13, "end": 21, "label": "place"}]}\n'
)


def test_entities_at_places_become_tags_of_words(tmp_path: Path) -> None:
    splits = _load(_file(tmp_path, JSONL, "a.jsonl"), validation_fraction=0.0)
    assert _tagged(splits.train, splits) == {
        "Ada lives in New York.": "B-person O O B-place I-place O"
    }


def test_keys_of_other_names_and_splits_are_read(tmp_path: Path) -> None:
    lines = [
        JSONL.replace("entities", "spans").replace("}\n", f', "split": "{split}"}}\n')
        for split in ("train", "val")
    ]
    splits = _load(
        _file(tmp_path, "\n".join(lines), "a.jsonl"), jsonl_keys=("entities=spans",)
    )
    assert set(splits.parts()) == {"train", "validation"}


def test_options_of_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    sources = token_classification.KIND.sources
    lines, words_ = _file(tmp_path, JSONL, "a.jsonl"), _file(tmp_path, CONLL)
    for dataset, options, message in (
        (lines, {"conll_columns": ("word=2",)}, "--conll_columns belongs to.*conll:"),
        (words_, {"tag_names": ("O", "B-X")}, "--tag_names belongs to.*jsonl:PATH"),
        ("tfds:x", {"tag_scheme": "bio"}, "--tag_scheme belongs.*conll:PATH or jsonl:"),
    ):
        config = TokenClassificationConfig(dataset=dataset, **options)
        with pytest.raises(errors.ConfigError, match=message):
            data.check_dataset(config, sources)


BAD_JSONL = {
    "no JSON": (JSONL + "{", "line 2: expected a JSON object"),
    "a list": ("[1]", "line 1: expected a JSON object, received list"),
    "no text": ('{"entities": []}', "line 1: expected a text as 'text'"),
    "no entities": ('{"text": "a"}', "line 1: expected a list as 'entities'"),
    "within a word": (
        '{"text": "Adams", "entities": [[0, 3, "x"]]}',
        "line 1: expected x to begin and end where words do, received 'Ada' at 0 to 3",
    ),
    "beyond the end": (
        '{"text": "Ada", "entities": [[0, 9, "x"]]}',
        "line 1: expected x to begin and end where words do",
    ),
    "overlapping": (
        '{"text": "a b c", "entities": [[0, 3, "x"], [2, 5, "y"]]}',
        "line 1: expected entities that do not overlap",
    ),
    "two numbers": (
        '{"text": "a", "entities": [[0, 1]]}',
        r"line 1: expected an entity as \[start, end, label\]",
    ),
}


@pytest.mark.parametrize("name", BAD_JSONL)
def test_what_are_no_entities_at_places_is_named_with_its_line(
    tmp_path: Path, name: str
) -> None:
    content, message = BAD_JSONL[name]
    with pytest.raises(errors.DataError, match=message):
        _load(_file(tmp_path, content, "a.jsonl"))


def test_lines_about_a_sentence_are_no_words(tmp_path: Path) -> None:
    content = (
        "# sent_id = 1\n# text = Ada # 2\n"
        "1\tAda\tB-person\n2\t#\tO\n3\t2\tO\n\n"
        "#\t#\tO\n2\tfun\tO\n"
    )
    splits = _load(
        _file(tmp_path, content), conll_columns=("word=2",), validation_fraction=0.0
    )
    assert _tagged(splits.train, splits) == {"Ada # 2": "B-person O O", "# fun": "O O"}


def test_types_alone_and_other_keys_get_advice(tmp_path: Path) -> None:
    with pytest.raises(errors.DataError, match="such as PER, is I-PER"):
        _load(_file(tmp_path, "Ada\tPER\n"))
    line = '{"text": "Ada", "label": [[0, 3, "person"]]}'
    with pytest.raises(errors.DataError, match="entities=label"):
        _load(_file(tmp_path, line, "words.jsonl"))
    with pytest.raises(errors.DataError, match="without the brackets"):
        _load(_file(tmp_path, f"[{line}]", "words.jsonl"))


def test_sentences_without_an_end_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = "Ada\tB-person\nlives\tO\n"
    _load(_file(tmp_path, content * 300 + "\n" + content), validation_fraction=0.0)
    assert "a sentence has 600 words. An empty line" in caplog.text


def test_a_line_without_the_key_says_which_it_has(tmp_path: Path) -> None:
    line = '{"words": ["Ada"], "labels": ["B-person"]}'
    with pytest.raises(errors.DataError, match="of the line are words, labels"):
        _load(_file(tmp_path, line, "words.jsonl"))


TOKENS = (
    '{"id": "0", "tokens": ["Ada", "lives", "in", "New", "York", "(N.Y.)"], '
    '"ner_tags": ["B-PER", "O", "O", "B-LOC", "I-LOC", "O"]}\n'
    '{"id": "1", "tokens": ["Nobody"], "ner_tags": ["O"]}\n'
)
TOKENS_TAGGED = {
    "Ada lives in New York (N.Y.)": "B-PER O O B-LOC I-LOC O",
    "Nobody": "O",
}
NUMBERS = (
    TOKENS.replace('"O"', "0")
    .replace('"B-PER"', "1")
    .replace('"B-LOC"', "3")
    .replace('"I-LOC"', "4")
)
TAG_NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (TOKENS, {}),
        (TOKENS.replace("B-", "I-"), {}),
        (TOKENS.replace("B-PER", "S-PER").replace("I-LOC", "E-LOC"), {}),
        (TOKENS.replace("B-", "I-"), {"tag_scheme": "iob1"}),
        (NUMBERS, {"tag_names": TAG_NAMES}),
        (
            TOKENS.replace("tokens", "words").replace("ner_tags", "tags"),
            {"jsonl_keys": ("tokens=words", "ner_tags=tags")},
        ),
    ],
    ids=["BIO", "IOB1", "BIOES", "IOB1 as said", "numbers", "other keys"],
)
def test_tokens_with_a_tag_each_are_words(
    tmp_path: Path, content: str, options: dict[str, object]
) -> None:
    splits = _load(
        _file(tmp_path, content, "a.jsonl"), validation_fraction=0.0, **options
    )
    assert _tagged(splits.train, splits) == TOKENS_TAGGED
    assert splits.labels.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_tokens_come_in_a_file_for_each_split_or_with_their_split(
    tmp_path: Path,
) -> None:
    for name in ("train.jsonl", "dev.json", "test.jsonl", ".train.jsonl.swp"):
        (tmp_path / name).write_text(TOKENS)
    parts = _load(f"jsonl:{tmp_path}").parts()
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    lines = [
        TOKENS.splitlines()[0].replace("}", f', "split": "{split}"}}')
        for split in ("train", "dev")
    ]
    dataset = _file(tmp_path, "\n".join(lines), "a.jsonl")
    assert {n: len(part) for n, part in _load(dataset).parts().items()} == {
        "train": 1,
        "validation": 1,
    }
    # The first line does not decide that there are no splits.
    dataset = _file(tmp_path, "\n".join([TOKENS.splitlines()[0], *lines]), "a.jsonl")
    with pytest.raises(errors.DataError, match="line 1: expected the split"):
        _load(dataset)


BAD_TOKENS = {
    "numbers": (NUMBERS, {}, r"line 1, word 1 \('Ada'\): .*number 1. --tag_names=O"),
    "a number without name": (
        NUMBERS,
        {"tag_names": TAG_NAMES[:4]},
        r"word 5 \('York'\): expected a number from 0 to 3",
    ),
    "fewer tags": (
        '{"tokens": ["a", "b"], "ner_tags": ["O"]}',
        {},
        "as many ner_tags as tokens, at least one, received 1 for 2",
    ),
    "no words": ('{"tokens": [], "ner_tags": []}', {}, "received 0 for 0"),
    "a text as tokens": (
        '{"tokens": "Ada", "ner_tags": ["O"]}',
        {},
        "expected a list as 'tokens', received 'Ada'",
    ),
    "no tags": ('{"tokens": ["Ada"]}', {}, "expected a list as 'ner_tags'"),
    "a blank": ('{"tokens": [" "], "ner_tags": ["O"]}', {}, "word 1: expected a word"),
    "a tag that is none": (
        '{"tokens": ["Ada"], "ner_tags": ["PER"]}',
        {},
        "got 'PER'. A tag that is only a type",
    ),
    "no tag": (
        '{"tokens": ["Ada"], "ner_tags": [null]}',
        {},
        "expected a tag such as B-PER, or its number, received None",
    ),
    "mixed schemes": (
        '{"tokens": ["a", "b", "c"], "ner_tags": ["B-X", "O", "I-X"]}',
        {},
        r"word 3 \('c'\): .*goes on with nothing after O",
    ),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_tokens_that_cannot_be_are_named_with_line_and_word(
    tmp_path: Path, name: str
) -> None:
    content, options, message = BAD_TOKENS[name]
    with pytest.raises(errors.DataError, match=message):
        _load(_file(tmp_path, content, "a.jsonl"), **options)


def test_options_of_the_other_kind_of_lines_are_refused(tmp_path: Path) -> None:
    dataset = _file(tmp_path, JSONL, "a.jsonl")
    for options in ({"tag_names": TAG_NAMES}, {"tag_scheme": "bio"}):
        with pytest.raises(errors.ConfigError, match="is about words with a tag each"):
            _load(dataset, **options)
    dataset = _file(tmp_path, NUMBERS, "a.jsonl")
    for names, message in (
        (("O", "PER"), "--tag_names: expected O, B-TYPE"),
        (("O", "B-A", "B-A"), "received one twice"),
    ):
        with pytest.raises(errors.ConfigError, match=message):
            _load(dataset, tag_names=names)
    with pytest.raises(errors.DataError, match="no line has it"):
        _load(dataset, tag_names=TAG_NAMES, jsonl_keys=("split=fold",))


def _store(folder: Path, features: tuple[str, ...], names: list[str]) -> None:
    """Write a data set of two sentences like conll2003."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="needs the extra tfds")
    sentences = [["Ada", "lives", "in", "Rome"], ["Nobody", "."]]
    tags = [[1, 0, 0, 2], [0, 0]]

    def rows():
        for tokens, own in zip(sentences, tags, strict=True):
            yield {"tokens": tokens, **dict.fromkeys(features, own)}

    sequence = tf.TensorSpec([None], tf.int64)
    kinds = {"tokens": tfds.features.Sequence(tfds.features.Text())}
    label = tfds.features.Sequence(tfds.features.ClassLabel(names=names))
    kinds |= dict.fromkeys(features, label)
    data = tf.data.Dataset.from_generator(
        rows,
        output_signature={
            "tokens": tf.TensorSpec([None], tf.string),
            **dict.fromkeys(features, sequence),
        },
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_entities",
        version="1.0.0",
        data_dir=str(folder),
        features=tfds.features.FeaturesDict(kinds),
        split_datasets={"train": data, "validation": data},
        disable_shuffling=True,
    )


def test_sequences_of_tensorflow_datasets_are_words_and_tags(tmp_path: Path) -> None:
    _store(tmp_path, ("chunks", "ner"), ["O", "B-PER", "B-LOC"])
    splits = _load("tfds:tiny_entities", data_dir=str(tmp_path))
    assert splits.labels.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert len(splits.validation) == 2
    tags = [splits.labels.names[tag] for tag in splits.train.labels[0]]
    assert tags == ["B-PER", "O", "O", "B-LOC"]


def test_tags_that_types_do_not_tell_are_named(tmp_path: Path) -> None:
    _store(tmp_path, ("a", "b"), ["O", "B-PER", "X"])
    with pytest.raises(errors.DataError, match="--tfds_features=words=NAME,tags"):
        _load("tfds:tiny_entities", data_dir=str(tmp_path))
    named = {"data_dir": str(tmp_path), "tfds_features": ("tags=b",)}
    with pytest.raises(errors.DataError, match="'Ada lives in Rome'.*as b: "):
        _load("tfds:tiny_entities", **named)
