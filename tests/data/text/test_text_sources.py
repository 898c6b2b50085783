"""Texts in files of folders, in JSON lines and in TensorFlow Datasets."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import data, errors
from kft.config import TextClassificationConfig
from kft.data.examples import Splits
from kft.tasks import text_classification


def _load(dataset: str, **options: object) -> Splits:
    config = TextClassificationConfig(dataset=dataset, **options)
    return data.load_splits(config, text_classification.KIND.sources)


def _texts(splits: Splits) -> dict[str, tuple[str, str]]:
    """Return label and split of each text."""
    found = {}
    for split, part in splits.parts().items():
        read = part.read(tf.constant(part.rows)).numpy()
        for text, label in zip(read, part.labels, strict=True):
            found[text.decode()] = (splits.labels.names[label], split)
    return found


def test_a_folder_for_each_class_has_texts_in_files(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for label in ("good", "bad"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            (folder / "a.txt").write_text(f"{split} {label} שלום 😀\r\n", newline="")
    splits = _load(f"folder:{tmp_path}")
    assert _texts(splits) == {
        "train good שלום 😀\r\n": ("good", "train"),
        "train bad שלום 😀\r\n": ("bad", "train"),
        "val good שלום 😀\r\n": ("good", "validation"),
        "val bad שלום 😀\r\n": ("bad", "validation"),
    }
    assert "train/good/a.txt" in splits.train.ids


def test_lines_of_json_have_texts_labels_and_splits(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        '\ufeff{"text": "a\\nb", "label": "x", "split": "train", "stars": 3}\r\n'
        '\n{"label": 1, "text": "c", "split": "train"}\n'
        '{"label": true, "text": "d", "split": "train"}\n'
        '{"label": "x", "text": "e", "split": "val"}',
        encoding="utf-8",
    )
    assert _texts(_load(f"jsonl:{path}")) == {
        "a\nb": ("x", "train"),
        "c": ("1", "train"),
        "d": ("True", "train"),
        "e": ("x", "validation"),
    }


def test_keys_of_other_names_are_told(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"review": "a", "stars": 1}\n{"review": "b", "stars": 2}\n')
    splits = _load(
        f"jsonl:{path}",
        jsonl_keys=("text=review", "label=stars"),
        validation_fraction=0.0,
    )
    assert _texts(splits) == {"a": ("1", "train"), "b": ("2", "train")}


def test_splits_and_groups_need_not_be_in_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [
        {"text": f"text {n}", "label": "ab"[n % 2], "group": None} for n in range(40)
    ]
    del rows[0]["group"]
    path.write_text("\n".join(map(json.dumps, rows)))
    # Rows without a group are no group together.
    assert {split for _, split in _texts(_load(f"jsonl:{path}")).values()} == {
        "train",
        "validation",
    }
    path.write_text(
        "\n".join(map(json.dumps, [rows[0], rows[1], rows[2] | {"split": "dev"}]))
    )
    with pytest.raises(errors.DataError, match="line 1: expected the split"):
        _load(f"jsonl:{path}")
    with pytest.raises(errors.DataError, match="'fold', as --jsonl_keys=split=fold"):
        _load(f"jsonl:{path}", jsonl_keys=("split=fold",))


BAD = {
    "no JSON": ('{"text": "a", "label": "x"}\n{text}', "line 2: expected a JSON"),
    "not UTF-8": (b'{"text": "caf\xe9"}', "line 1: .*UTF-8"),
    "no label": ('{"text": "a"}', "line 1: expected a label as 'label'"),
    "NaN": ('{"text": "a", "label": NaN}', "line 1: expected a label"),
    "a list as label": (
        '{"text": "a", "label": []}',
        "line 1: expected a label .* --multi_label takes a list",
    ),
    "no text": ('{"text": " ", "label": "x"}', "line 1: expected a text as 'text'"),
    "a NUL": ('{"text": "a\\u0000", "label": "x"}', "line 1: expected a text"),
    "commas": ('{"text": "a", "label": "x"},', "line 1: .* Remove the comma at the"),
    "a list": ('[{"text": "a"}]', "line 1: .* list in a line of its own"),
    "a list in lines": ('[\n{"text": "a"}\n]', "line 1: .* list in a line of its own"),
    "an object in lines": ('{\n"text": "a"\n}', "line 1: .* Write each object in a"),
    "nothing": ("\n \n", "expected a JSON object a line, got none"),
    "half a surrogate": (
        '{"text": "\\ud83d", "label": "x"}',
        "line 1: expected a text",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_labelled_text_is_named_with_its_line(
    tmp_path: Path, name: str
) -> None:
    content, message = BAD[name]
    encoded = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "texts.jsonl").write_bytes(encoded)
    with pytest.raises(errors.DataError, match=message) as caught:
        _load(f"jsonl:{tmp_path / 'texts.jsonl'}")
    assert "texts.jsonl" in str(caught.value)


def test_lines_may_have_lists_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    lines = ('"b", "label": ["x|y", 1]', '"c", "label": []', '"d", "label": ["z", "1"]')
    path.write_text("".join(f'{{"text": {line}}}\n' for line in lines))
    splits = _load(f"jsonl:{path}", multi_label=True, validation_fraction=0.0)
    assert splits.labels.names == ("1", "x|y", "z")
    assert splits.train.labels.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ('"x"', "expected a list of labels .* \\[\\] for none, received 'x'"),
        ("null", "expected a list of labels"),
        ('["x", "x"]', "'x' is there repeatedly"),
        ('["x", " "]', "expected a text as 'label'"),
        ('["x", {}]', "expected a label as 'label'"),
    ],
)
def test_what_is_no_list_of_labels_is_named_with_its_line(
    tmp_path: Path, label: str, message: str
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        f'{{"text": "a", "label": ["x"]}}\n{{"text": "b", "label": {label}}}'
    )
    with pytest.raises(errors.DataError, match=f"line 2: .*{message}"):
        _load(f"jsonl:{path}", multi_label=True)


def test_features_of_tensorflow_datasets_are_found_by_type(tmp_path: Path) -> None:
    tfds = pytest.importorskip("tensorflow_datasets", reason="needs the extra tfds")
    rows = {
        "idx": np.arange(3, dtype=np.int32),
        "sentence": ["fine", "dull", "good"],
        "label": [1, 0, 1],
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_reviews",
        version="1.0.0",
        data_dir=str(tmp_path),
        features=tfds.features.FeaturesDict(
            {
                "idx": tfds.features.Scalar(np.int32),
                "sentence": tfds.features.Text(),
                "label": tfds.features.ClassLabel(names=["negative", "positive"]),
            }
        ),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(rows)},
        disable_shuffling=True,
    )
    splits = _load("tfds:tiny_reviews", data_dir=str(tmp_path), validation_fraction=0.0)
    assert _texts(splits) == {
        "fine": ("positive", "train"),
        "dull": ("negative", "train"),
        "good": ("positive", "train"),
    }


def _premises(folder: Path) -> None:
    """Write a data set of pairs that also has a title."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="needs the extra tfds")
    names = ("premise", "hypothesis", "title")
    rows = {name: [f"{name} {number}" for number in range(3)] for name in names}
    rows["label"] = [1, 0, 1]
    features = dict.fromkeys(names, tfds.features.Text())
    features["label"] = tfds.features.ClassLabel(names=["no", "yes"])
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_pairs",
        version="1.0.0",
        data_dir=str(folder),
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(rows)},
        disable_shuffling=True,
    )


def test_features_that_types_do_not_tell_are_named(tmp_path: Path) -> None:
    _premises(tmp_path)
    options = {"data_dir": str(tmp_path), "validation_fraction": 0.0}
    with pytest.raises(errors.DataError, match="--tfds_features=text_b=NAME"):
        _load("tfds:tiny_pairs", pairs=True, **options)
    pairs = ("text=premise", "text_b=hypothesis")
    splits = _load("tfds:tiny_pairs", pairs=True, tfds_features=pairs, **options)
    assert next(iter(_texts(splits))) == "premise 0\0hypothesis 0"
    splits = _load("tfds:tiny_pairs", tfds_features=("text=title",), **options)
    assert _texts(splits)["title 1"] == ("no", "train")


def test_lines_and_rows_may_be_pairs(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        '{"text": "a", "q": "b", "label": 1}\n{"text": "c", "q": "b", "label": 2}'
    )
    options = {"pairs": True, "validation_fraction": 0.0}
    splits = _load(f"jsonl:{path}", jsonl_keys=("text_b=q",), **options)
    assert _texts(splits)["a\0b"] == ("1", "train")
    path = tmp_path / "texts.csv"
    path.write_text("text_b;label;text\nb;1;a\nb;2;c\n")
    assert _texts(_load(f"csv:{path}", **options))["c\0b"] == ("2", "train")
    path.write_text("text,label\na,1\n")
    with pytest.raises(errors.DataError, match="'text_b' is missing"):
        _load(f"csv:{path}", **options)
