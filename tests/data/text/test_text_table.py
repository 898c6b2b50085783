from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import data, errors
from kft.config import TextClassificationConfig
from kft.data.examples import Splits
from kft.tasks import text_classification


def _load(path: Path, content: bytes | str, **options: object) -> Splits:
    encoded = content if isinstance(content, bytes) else content.encode()
    (path / "texts.csv").write_bytes(encoded)
    config = TextClassificationConfig(dataset=f"csv:{path / 'texts.csv'}", **options)
    return data.load_splits(config, text_classification.KIND.sources)


def _texts(splits: Splits) -> dict[str, str]:
    """Return the label of each text."""
    found = {}
    for part in splits.parts().values():
        read = part.read(tf.constant(part.rows)).numpy()
        for text, label in zip(read, part.labels, strict=True):
            found[text.decode()] = splits.labels.names[label]
    return found


def test_texts_come_with_their_labels_whatever_is_in_them(tmp_path: Path) -> None:
    content = (
        "\ufefftext,label,split\r\n"
        '"a, b ""c""\r\nsecond line",good,train\r\n'
        "<b>&amp; [SEP] 😀\u200d,bad,train\n"
        "שלום,good,val\r\n"
    )
    assert _texts(_load(tmp_path, content)) == {
        'a, b "c"\r\nsecond line': "good",
        "<b>&amp; [SEP] 😀\u200d": "bad",
        "שלום": "good",
    }


def test_a_text_may_have_ten_million_characters(tmp_path: Path) -> None:
    long = "good " * 2_000_000
    content = f"text,label,split\n{long},a,train\nb,b,train\nc,a,val\n"
    assert _texts(_load(tmp_path, content))[long.strip()] == "a"


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    content = "stars\treview\n5\tfine\n1\tdull\n5\tgood\n1\tbad\n"
    columns = ("text=review", "label=stars")
    splits = _load(tmp_path, content, csv_columns=columns, validation_fraction=0.0)
    assert _texts(splits)["dull"] == "1"


def test_a_split_depends_on_the_text_alone_and_copies_stay_together(
    tmp_path: Path,
) -> None:
    rows = [f"text {number % 150},{'ab'[number % 2]}" for number in range(300)]
    splits = _load(tmp_path, "\n".join(["text,label", *rows]))
    parts = {name: set(part.ids) for name, part in splits.parts().items()}
    assert sum(map(len, parts.values())) == 300
    for part in parts.values():
        # The second of two equal texts has a number.
        assert {name.removesuffix("-2") for name in part} <= part
    moved = _load(tmp_path, "\n".join(["text,label", "new,a", *reversed(rows)]))
    for name, part in moved.parts().items():
        assert set(part.ids) - parts[name] <= set(_load_ids(tmp_path, "new"))


def _load_ids(tmp_path: Path, text: str) -> np.ndarray:
    content = f"text,label,split\n{text},a,train\nother,b,train\nlast,a,val\n"
    return _load(tmp_path, content).train.ids


BAD = {
    "not UTF-8": (b"text,label\nfine,a\ncaf\xe9,b\n", "line 3: .*UTF-8"),
    "UTF-16 without a mark": (
        "text,label\nfine,a\n".encode("utf-16-le"),
        "18 of 36 bytes are 0: it seems to be in UTF-16. Save it as UTF-8",
    ),
    "a Parquet file": (b"PAR1\x15\0\x15\xff", "received a Parquet file. Save the"),
    "one class": (
        "text,label\na,x\nb,x\n",
        "of at least 2 classes, received 1: 'x'. Where another column",
    ),
    "a NUL": ("text,label\nfi\0ne,a\nb,b\n", "line 2: expected a"),
    "no text": ("text,label\nfine,a\n ,b\n", "line 3: expected a text"),
    "no label": ("text,label\nfine,a\nb,\n", "line 3: expected a label"),
    "an open quote": (
        'text,label\nfine,a\n"b,b\nc,a\nd,b\n',
        "line 3 to 5: expected a row",
    ),
    "a quote within": ('text,label\n"a"b,a\nb,b\n', "line 2: expected a row"),
    "a comma too many": ("text,label\na,b,c\nb,b\n", "line 2: expected 2 fields"),
    "no column": ("txt,label\na,b\n", "line 1: .*'text' is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_of_texts_is_named_with_its_line(
    tmp_path: Path, name: str
) -> None:
    content, message = BAD[name]
    with pytest.raises(errors.DataError, match=message) as caught:
        _load(tmp_path, content)
    assert "texts.csv" in str(caught.value)


def test_texts_of_two_splits_and_of_two_labels_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = ["text,label,split", "one,a,train", "two,b,train", "three,b,train"]
    rows += ["one,a,validation", "four,b,validation", "two,a,test"]
    _load(tmp_path, "\n".join(rows))
    assert "2 of 3 texts of validation and test are in the training split" in (
        caplog.text
    )
    assert "texts that have more than one label: 1." in caplog.text
    caplog.clear()
    _load(tmp_path, "text,label\n" + "one,a\none,a\ntwo,b\nthree,b\nfour,a\n" * 3)
    assert "too, so figures" not in caplog.text and "one label" not in caplog.text


def test_lines_may_end_as_old_spreadsheets_end_them(tmp_path: Path) -> None:
    splits = _load(tmp_path, "text,label\rone,a\rtwo,b\r", validation_fraction=0.0)
    assert _texts(splits) == {"one": "a", "two": "b"}
