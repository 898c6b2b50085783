"""Data sets of Hugging Face: folders as its hub has them, of images and of texts."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kft import errors, tasks
from kft.config import TextClassificationConfig, TrainConfig
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.data.sources import hf

datasets = pytest.importorskip("datasets", reason="needs the extra hf")

CLASSES = ["blue", "red"]
TEXTS = [f"sentence {number}" for number in range(20)]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", str(tmp_path / "home"))


def _png(number: int) -> bytes:
    file = io.BytesIO()
    colour = (number, 0, 0) if number % 2 else (0, 0, number)
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def _features(**kinds: Any) -> Any:
    return datasets.Features(kinds)


def _write(folder: Path, features: Any, **parts: dict[str, list[Any]]) -> str:
    """Write parts of a data set as Parquet files; return its --dataset."""
    (folder / "data").mkdir(parents=True)
    for name, columns in parts.items():
        part = datasets.Dataset.from_dict(columns, features=features)
        part.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    return f"hf:{folder}"


def _images(numbers: range) -> dict[str, list[Any]]:
    return {
        "image": [{"bytes": _png(number), "path": None} for number in numbers],
        "label": [number % 2 for number in numbers],
    }


OF_IMAGES = {"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}


def _texts(dataset: str, **options: Any) -> Splits:
    return tasks.load_splits(TextClassificationConfig(dataset=dataset, **options))


def _said(part: Any) -> list[str]:
    return [one.decode() for one in part.read(part.rows).numpy()]


def test_images_are_read_as_they_lie_in_their_own_splits(tmp_path: Path) -> None:
    dataset = _write(
        tmp_path / "colours",
        _features(**OF_IMAGES),
        train=_images(range(12)),
        validation=_images(range(12, 16)),
        test=_images(range(16, 20)),
    )
    config = TrainConfig(dataset=dataset)
    tasks.check_dataset(config)
    found = tasks.load_splits(config)
    assert found.labels.names == ("blue", "red")
    assert [len(part) for part in found.parts().values()] == [12, 4, 4]
    assert found.train.read(found.train.rows[:3]).numpy().tolist() == [
        _png(int(name[-6:])) for name in found.train.ids[:3]
    ]
    assert found.train.labels.tolist() == [
        int(name[-6:]) % 2 for name in found.train.ids
    ]
    assert found.validation.ids[0].startswith("validation/")
    assert found.fingerprint == tasks.load_splits(config).fingerprint


def test_a_column_of_names_says_the_classes_that_train(tmp_path: Path) -> None:
    features = _features(text=datasets.Value("string"), label=datasets.Value("string"))
    rows = {"text": TEXTS, "label": ["good", "bad"] * 10}
    found = _texts(_write(tmp_path / "texts", features, train=rows))
    assert found.labels.names == ("bad", "good")
    assert 0 < len(found.validation) < 20
    assert set(_said(found.train)) | set(_said(found.validation)) == set(TEXTS)
    by_text = dict(zip(TEXTS, rows["label"], strict=True))
    for text, label in zip(_said(found.train), found.train.labels, strict=True):
        assert found.labels.names[label] == by_text[text]


def test_columns_of_other_names_are_told(tmp_path: Path) -> None:
    features = _features(
        question=datasets.Value("string"),
        title=datasets.Value("string"),
        stars=datasets.Value("int64"),
    )
    rows = {"question": TEXTS, "title": TEXTS[::-1], "stars": [1, 10] * 10}
    dataset = _write(tmp_path / "texts", features, train=rows)
    with pytest.raises(errors.DataError, match="received the columns question, title"):
        _texts(dataset)
    columns = ("text=question", "label=stars")
    found = _texts(dataset, hf_columns=columns, validation_fraction=0.0)
    assert sorted(_said(found.train)) == sorted(TEXTS)
    assert found.labels.names == ("1", "10")
    pairs = ("text=question", "text_b=title", "label=stars")
    found = _texts(dataset, hf_columns=pairs, pairs=True, validation_fraction=0.0)
    (said,) = {one for one in _said(found.train) if one.startswith(TEXTS[0])}
    assert said.endswith(TEXTS[-1]) and len(said) > len(TEXTS[0] + TEXTS[-1])
    with pytest.raises(errors.ConfigError, match="--hf_columns: expected one of text"):
        tasks.check_dataset(
            TextClassificationConfig(dataset=dataset, hf_columns=("txt=question",))
        )


def test_lists_of_classes_are_several_labels(tmp_path: Path) -> None:
    features = _features(
        text=datasets.Value("string"),
        labels=datasets.List(datasets.ClassLabel(names=CLASSES)),
    )
    rows = {"text": TEXTS, "labels": [[0], [1], [0, 1], []] * 5}
    dataset = _write(tmp_path / "texts", features, train=rows)
    found = _texts(dataset, multi_label=True, validation_fraction=0.0)
    by_text = dict(zip(_said(found.train), found.train.labels.tolist(), strict=True))
    assert by_text["sentence 2"] == [1, 1]
    assert by_text["sentence 3"] == [0, 0]
    assert by_text["sentence 5"] == [0, 1]
    with pytest.raises(errors.DataError, match="expected one class each in the column"):
        _texts(dataset)


def test_one_class_each_is_not_several(tmp_path: Path) -> None:
    features = _features(text=datasets.Value("string"), label=datasets.Value("int64"))
    dataset = _write(
        tmp_path / "texts", features, train={"text": TEXTS, "label": [0, 1] * 10}
    )
    with pytest.raises(errors.DataError, match="expected lists of classes .* leave it"):
        _texts(dataset, multi_label=True)


def test_secret_classes_and_parts_that_are_no_split_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    features = _features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=CLASSES)
    )
    dataset = _write(
        tmp_path / "texts",
        features,
        train={"text": TEXTS, "label": [0, 1] * 9 + [-1, 0]},
        test={"text": TEXTS[:3], "label": [-1, -1, 1]},
        unsupervised={"text": TEXTS, "label": [-1] * 20},
    )
    found = _texts(dataset, validation_fraction=0.0)
    assert (len(found.train), len(found.test)) == (19, 1)
    assert _said(found.test) == ["sentence 2"]
    assert "1 texts of train have no class" in caplog.text
    assert "its part unsupervised is no split of training" in caplog.text


def test_a_run_knows_its_own_classes_first(tmp_path: Path) -> None:
    features = _features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["new", "red"])
    )
    rows = {"text": TEXTS[:4], "label": [0, 1, 1, 1]}
    dataset = _write(tmp_path / "texts", features, test=rows)
    config = TextClassificationConfig(dataset=dataset)
    with pytest.raises(errors.ConfigError, match="a part that is called train, receiv"):
        tasks.load_splits(config)
    known = tasks.load_known(config, LabelMap(("blue", "red")))
    assert known.labels.names == ("blue", "red", "new")
    assert sorted(known.parts["test"].labels.tolist()) == [1, 1, 1, 2]


def test_files_beside_a_table_are_read_where_they_lie(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for number in range(6):
        path = folder / "train" / CLASSES[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(number))
    config = TrainConfig(dataset=f"hf:{folder}", validation_fraction=0.0)
    found = tasks.load_splits(config)
    assert found.labels.names == ("blue", "red")
    assert sorted(found.train.read(found.train.rows).numpy()) == sorted(
        _png(number) for number in range(6)
    )


@pytest.mark.parametrize("name", ["", "a b", "/no/folder", "../up", "a/b/c", "x:y:z"])
def test_what_is_neither_folder_nor_name_is_refused(name: str) -> None:
    with pytest.raises(errors.ConfigError, match="--dataset: expected hf:NAME"):
        tasks.check_dataset(TrainConfig(dataset=f"hf:{name}"))


@pytest.mark.parametrize("name", ["beans", "nyu-mll/glue:sst2", "user/a.b-c"])
def test_names_pass(name: str) -> None:
    tasks.check_dataset(TrainConfig(dataset=f"hf:{name}"))


def test_a_folder_without_data_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(errors.ConfigError, match="Expected Parquet or other files"):
        tasks.load_splits(TrainConfig(dataset=f"hf:{folder}"))
    dataset = _write(
        tmp_path / "colours", _features(**OF_IMAGES), train=_images(range(4))
    )
    (path,) = (tmp_path / "colours/data").iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(errors.ConfigError, match=r"--dataset=hf:.*colours: "):
        tasks.load_splits(TrainConfig(dataset=dataset))


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    find = hf.EXTRA.__class__.check.__globals__["importlib"].util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *rest: None if name == "datasets" else find(name, *rest),
    )
    with pytest.raises(errors.ConfigError, match=r"pip install 'kft-keras\[hf\]'"):
        tasks.check_dataset(TrainConfig(dataset="hf:beans"))
