"""Labels of rows: several in a column, or a column for each class."""

from pathlib import Path

import numpy as np
import pytest

from kft import config, errors, tasks
from kft.data.examples import Splits
from kft.data.labels import LabelMap

KNOWN = LabelMap(("cat", "dog"))


def _options(path: Path, lines: list[str], **options: object) -> config.ImageOptions:
    for line in lines[1:]:
        (path / line.partition(",")[0]).write_bytes(b"image")
    table = path / "table.csv"
    table.write_text("\n".join(lines))
    options = {"validation_fraction": 0.0, "multi_label": True, **options}
    return config.ImageOptions(dataset=f"csv:{table}", **options)


def _load(path: Path, lines: list[str], **options: object) -> Splits:
    return tasks.load_splits(_options(path, lines, **options))


def _named(splits: Splits) -> dict[str, list[str]]:
    """Return the classes of each example."""
    return {
        name: [splits.labels.names[i] for i in np.flatnonzero(row)]
        for part in splits.parts().values()
        for name, row in zip(part.ids.tolist(), part.labels, strict=True)
    }


def test_a_label_is_any_number_of_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["path,label", "1.jpg,dog | cat", "2.jpg,", "3.jpg,dog", "4.jpg,big cat|a"]
    with caplog.at_level("INFO", logger="absl"):
        splits = _load(tmp_path, lines)
    assert splits.labels.names == ("a", "big cat", "cat", "dog")
    assert splits.train.labels.dtype == np.float32
    assert _named(splits) == {
        "1.jpg": ["cat", "dog"],
        "2.jpg": [],
        "3.jpg": ["dog"],
        "4.jpg": ["a", "big cat"],
    }
    assert "1 of 4 examples are of no class" in caplog.text


def test_columns_may_be_classes_in_the_order_of_the_flag(tmp_path: Path) -> None:
    lines = ["path,Dog,cat,note", "1.jpg,1,1,x", "2.jpg,0, 0 ,y", "3.jpg,1,0,z"]
    splits = _load(tmp_path, lines, label_columns=("dog", "cat"))
    assert splits.labels.names == ("dog", "cat")
    assert _named(splits) == {"1.jpg": ["dog", "cat"], "2.jpg": [], "3.jpg": ["dog"]}


def test_a_name_with_the_separator_is_told_by_a_column_of_its_own(
    tmp_path: Path,
) -> None:
    lines = ["path,a|b,c", "1.jpg,1,0", "2.jpg,0,1"]
    splits = _load(tmp_path, lines, label_columns=("a|b", "c"))
    assert _named(splits) == {"1.jpg": ["a|b"], "2.jpg": ["c"]}


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["path,label", "1.jpg,a|a"], {}, "line 2: .* 'a' is there repeatedly"),
        (["path,label", "1.jpg,a|"], {}, "line 2: .* one is missing. An example of no"),
        (["path,label", "1.jpg,a", "2.jpg,"], {}, "at least 2 classes"),
        (["path,kind", "1.jpg,a"], {}, "'label' is missing.* --label_columns=NAME"),
        (
            ["path,a,b", "1.jpg,1,2"],
            {"label_columns": ("a", "b")},
            "line 2: expected 0 or 1 in the column 'b' .* received '2'",
        ),
        (
            ["path,a,b", "1.jpg,1,"],
            {"label_columns": ("a", "b")},
            "line 2: expected 0 or 1 .* received ''",
        ),
        (
            ["path,a", "1.jpg,1"],
            {"label_columns": ("a", "b")},
            "'b' is missing.* --label_columns",
        ),
        (
            ["path,label,split", "1.jpg,a|b,train", "2.jpg,b|c,validation"],
            {},
            "line 3: expected in validation only labels that training rows have, "
            "received 'c'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, lines: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(errors.DataError, match=message):
        _load(tmp_path, lines, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_columns": ("a", "A")}, "--label_columns: 'A' is there twice"),
        (
            {"label_columns": ("a", "path")},
            "--label_columns: 'path' is the column of something else",
        ),
        (
            {"label_columns": ("a", "b"), "multi_label": False},
            "--label_columns=a,b: expected --multi_label",
        ),
        ({"label_columns": ("a", "b"), "csv_columns": ("label=x",)}, "before the ="),
        ({"examples_per_class": 3}, "--examples_per_class=3 is about .* one class"),
        ({"sampling": "balanced"}, "--sampling=balanced is about .* one class"),
    ],
)
def test_flags_that_do_not_go_together_are_named_before_training(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    made = _options(tmp_path, ["path,label,a,b", "1.jpg,a|b,1,0"], **options)
    with pytest.raises(errors.ConfigError, match=message):
        tasks.check_dataset(made)


@pytest.mark.parametrize("dataset", ["tfds:x", "tfrecord:x", "digits"])
def test_what_says_one_class_each_is_refused(dataset: str) -> None:
    made = config.ImageOptions(dataset=dataset, multi_label=True)
    with pytest.raises(errors.ConfigError, match="--multi_label: .* csv:PATH"):
        tasks.check_dataset(made)


def test_sounds_and_texts_are_told_likewise(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("path,text,label\n1.wav,a,x|y\n2.wav,b,\n3.wav,c,y\n")
    for name in ("1.wav", "2.wav", "3.wav"):
        (tmp_path / name).touch()
    for options in (config.AudioClassificationConfig, config.TextClassificationConfig):
        made = options(
            dataset=f"csv:{table}", multi_label=True, validation_fraction=0.0
        )
        found = tasks.load_splits(made).train
        assert found.labels.tolist() == [[1, 1], [0, 0], [0, 1]]


def test_other_data_may_have_other_classes_and_no_training_split(
    tmp_path: Path,
) -> None:
    lines = ["path,label,split", "1.jpg,dog|owl,test", "2.jpg,,test"]
    found = tasks.load_known(_options(tmp_path, lines), KNOWN)
    assert found.labels.names == ("cat", "dog", "owl")
    assert found.parts["test"].labels.tolist() == [[0, 1, 1], [0, 0, 0]]
