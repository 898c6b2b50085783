"""Data that people have in Python, as the data set of a run."""

import random
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from kft import errors, tasks
from kft.config import (
    RunConfig,
    SpeechRecognitionConfig,
    TextClassificationConfig,
    TrainConfig,
)
from kft.data.examples import Splits
from kft.data.sources import given
from kft.tasks import given_data

TEXTS = tuple(f"This is sentence {number}." for number in range(60))
LABELS = tuple("bad good".split() * 30)
IMAGES = np.zeros([4, 8, 8, 3], np.uint8)


def _splits(data: Any, *, of_images: bool = False, **options: Any) -> Splits:
    config_class = TrainConfig if of_images else TextClassificationConfig
    names = options.pop("class_names", None)
    dataset = _kept(data, config_class(**options), names)
    return tasks.load_splits(config_class(dataset=dataset, **options))


def _kept(data: Any, config: RunConfig, names: Any = None) -> str:
    return given.keep(given_data.examples_of(data, config, names))


def _classes(splits: Splits) -> list[str]:
    return [splits.labels.names[label] for label in splits.train.labels]


@hypothesis.given(st.randoms(use_true_random=False))
@hypothesis.settings(max_examples=20)
def test_the_split_of_a_text_does_not_depend_on_its_place(rng: random.Random) -> None:
    rows = list(zip(TEXTS, LABELS, strict=True))
    rng.shuffle(rows)
    texts, labels = zip(*rows, strict=True)
    found, expected = _splits((texts, labels)), _splits((TEXTS, LABELS))
    assert set(found.validation.ids) == set(expected.validation.ids)
    assert found.labels.names == ("bad", "good")


def test_payloads_are_what_files_would_have() -> None:
    found = _splits((TEXTS, LABELS)).train
    read = [one.decode() for one in found.read(found.rows[:3]).numpy()]
    assert read == [TEXTS[row] for row in found.rows[:3]]
    sure = _splits((list(IMAGES), [0, 1, 0, 1]), of_images=True, validation_fraction=0)
    (payload,) = sure.train.read(sure.train.rows[:1]).numpy()
    assert payload.startswith(b"BM")


def test_numbers_are_names_in_their_order_or_count_names() -> None:
    labels = [10, 2, 10, 2]
    images = [np.full([8, 8, 3], value, np.uint8) for value in range(4)]
    found = _splits((images, labels), of_images=True, validation_fraction=0.0)
    assert found.labels.names == ("2", "10")
    assert sorted(_classes(found)) == ["10", "10", "2", "2"]
    named = _splits(
        (images, [1, 0, 1, 0]),
        of_images=True,
        validation_fraction=0.0,
        class_names=["cat", "ant"],
    )
    assert named.labels.names == ("cat", "ant")
    assert sorted(_classes(named)) == ["ant", "ant", "cat", "cat"]


def test_equal_examples_and_groups_stay_in_one_split() -> None:
    texts = [text for text in TEXTS for _ in range(2)]
    found = _splits((texts, [label for label in LABELS for _ in range(2)]))
    ids = {name.partition("-")[0] for name in found.train.ids}
    assert not ids & {name.partition("-")[0] for name in found.validation.ids}
    groups = [number // 6 for number in range(60)]
    grouped = _splits((TEXTS, LABELS, groups))
    sides = [
        {groups[row] for row in part.rows}
        for part in (grouped.train, grouped.validation)
    ]
    assert not sides[0] & sides[1]


def test_splits_are_those_of_a_dict() -> None:
    parts = {"train": (TEXTS[:40], LABELS[:40]), "val": (TEXTS[40:], LABELS[40:])}
    found = _splits(parts)
    assert (len(found.train), len(found.validation), found.test) == (40, 20, None)


def test_frames_have_columns_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    columns = {
        "text": TEXTS,
        "label": LABELS,
        "group": [f"film {n // 3}" for n in range(60)],
    }
    frame = pandas.DataFrame(columns)
    found = _splits({"train": frame[:40], "test": frame[40:]})
    assert _splits(frame[["label", "text"]]).fingerprint == (
        _splits((TEXTS, LABELS)).fingerprint
    )
    assert len(found.test) == 20
    pairs = pandas.DataFrame({**columns, "text_b": TEXTS[::-1]})
    read = _splits(pairs, pairs=True).train
    (payload,) = read.read(read.rows[:1]).numpy()
    first, second = payload.decode().split("\0")
    assert TEXTS.index(first) + TEXTS.index(second) == 59
    with pytest.raises(errors.DataError, match=r"received sentence, label\."):
        _splits(frame[["text", "label"]].rename(columns={"text": "sentence"}))
    with pytest.raises(errors.DataError, match="Give one for each split"):
        _splits(frame.assign(split="train"))


def test_files_are_known_by_their_paths(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.txt" for number in range(4)]
    for path in paths:
        path.write_text(path.name)
    found = _splits((paths, [0, 1, 0, 1]), validation_fraction=0.0)
    assert sorted(found.train.ids) == ["0.txt", "1.txt", "2.txt", "3.txt"]
    read = found.train.read(found.train.rows).numpy()
    assert [one.decode() for one in read] == list(found.train.ids)
    with pytest.raises(errors.DataError, match=r"1 of 5 files are not there: .*gone"):
        _splits(([*paths, tmp_path / "gone"], [0, 1, 0, 1, 0]))
    with pytest.raises(errors.DataError, match="paths or values, received both"):
        _splits(([*paths, "a text"], [0, 1, 0, 1, 0]))


def test_a_data_set_of_tensorflow_has_to_have_a_size() -> None:
    import tensorflow as tf

    whole = tf.data.Dataset.from_tensor_slices((IMAGES, [0, 1, 0, 1]))
    found = _splits(whole, of_images=True, validation_fraction=0.0)
    assert len(found.train) == 4
    texts = tf.data.Dataset.from_tensor_slices((list(TEXTS), list(LABELS)))
    assert _splits(texts).fingerprint == _splits((TEXTS, LABELS)).fingerprint
    for data, said in (
        (whole.repeat(), r"without an end: \.take\(n\)"),
        (whole.filter(lambda *_: True), "of unknown size: .*assert_cardinality"),
        (whole.batch(2), r"\.unbatch\(\) takes batches apart"),
        (whole.map(lambda image, label: image), r"expected elements \(input, label\)"),
    ):
        with pytest.raises(errors.DataError, match=said):
            _splits(data, of_images=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((IMAGES, [0, 1, 0]), "received 4 inputs, 3 labels"),
        ((IMAGES, np.eye(2)[[0, 1, 0, 1]]), r"shape \[4, 2\]\. Give labels\.argmax"),
        ((IMAGES, [[0], [0, 1], [], [1]]), r"shape \[4, 0\]\."),
        ((IMAGES, [0, 1, 0, 1.5]), r"label 3: 1\.5 \(float\)"),
        ((IMAGES, [0, 1, 0, "1"]), "all numbers or all names, received both"),
        ((IMAGES / 255, [0, 1, 0, 1]), r"input 0 of train: expected an image as uint8"),
        ((IMAGES[..., 0, 0], [0, 1, 0, 1]), "input 0 of train: expected an image"),
        (([], []), "without examples"),
        (IMAGES, r"received ndarray for train"),
        ({"trian": (IMAGES, [0, 1, 0, 1])}, "a dict with 'trian'"),
        (
            {"train": (IMAGES, [0, 1, 0, 1]), "test": (IMAGES, [0, 1, 0, 2])},
            "label 7 is '2', which is no class of training",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_said(data: Any, said: str) -> None:
    with pytest.raises(errors.DataError, match=said):
        _splits(data, of_images=True)


def test_a_label_has_to_have_a_name() -> None:
    with pytest.raises(errors.DataError, match=r"label 1 is 2, .* 2 class names"):
        _splits((IMAGES, [0, 2, 0, 1]), of_images=True, class_names=["a", "b"])


@pytest.mark.parametrize("gap", [None, float("nan"), 3, "", "a\0b", "\ud800"])
def test_a_gap_among_texts_is_named(gap: Any) -> None:
    texts = [*TEXTS[:5], gap, *TEXTS[6:]]
    with pytest.raises(errors.DataError, match="input 5 of train: expected a text"):
        _splits((texts, LABELS))


def test_a_missing_group_is_none() -> None:
    groups = [None, float("nan")] * 30
    found = _splits((TEXTS, LABELS, groups))
    assert found.fingerprint == _splits((TEXTS, LABELS)).fingerprint


def test_other_files_of_the_same_names_are_other_data(tmp_path: Path) -> None:
    names = []
    for folder in ("one", "other"):
        paths = [tmp_path / folder / f"{number}.txt" for number in range(4)]
        paths[0].parent.mkdir()
        for path in paths:
            path.write_text("equal")
        names.append(_kept((paths, [0, 1, 0, 1]), TextClassificationConfig()))
    assert names[0] != names[1]


def test_what_is_measured_is_kept_no_longer_than_that() -> None:
    config = TextClassificationConfig()
    examples = given_data.examples_of((TEXTS[:9], LABELS[:9]), config)
    with given.kept(examples) as dataset:
        tasks.check_dataset(TextClassificationConfig(dataset=dataset))
    with pytest.raises(errors.DataError, match="this process does not have them"):
        tasks.check_dataset(TextClassificationConfig(dataset=dataset))
    # A run may still need what it was given.
    given.keep(examples)
    with given.kept(examples):
        pass
    tasks.check_dataset(TextClassificationConfig(dataset=dataset))


def test_numbers_may_be_names_of_the_classes_of_a_run() -> None:
    found = [
        given_data.examples_of(
            (IMAGES, [3, 1, 3, 1]),
            TrainConfig(),
            ["1", "2", "3", "4"],
            numbers_are_names=numbers_are_names,
        ).table.labels.tolist()
        for numbers_are_names in (True, False)
    ]
    assert found == [[2, 0, 2, 0], [3, 1, 3, 1]]


def test_a_text_is_no_array_and_a_pair_is_two() -> None:
    with pytest.raises(errors.DataError, match="input 0 of train: expected a text"):
        _splits((IMAGES, [0, 1, 0, 1]))
    with pytest.raises(errors.DataError, match="expected a tuple of two texts"):
        _splits((TEXTS, LABELS), pairs=True)


def test_tasks_whose_labels_are_no_classes_take_files() -> None:
    with pytest.raises(errors.ConfigError, match="takes files only"):
        _kept((TEXTS, LABELS), SpeechRecognitionConfig(dataset="csv:x"))


def test_a_config_names_the_same_data_again_and_no_other() -> None:
    config = TextClassificationConfig()
    name = _kept((TEXTS, LABELS), config)
    assert _kept((TEXTS, LABELS), config) == name
    changed = _kept((TEXTS, ("good", *LABELS[1:])), config)
    assert changed != name
    gone = TextClassificationConfig(dataset="given:0123456789abcdef")
    with pytest.raises(errors.DataError, match="this process does not have them"):
        tasks.check_dataset(gone)


def test_a_run_knows_its_own_classes_first() -> None:
    config = TextClassificationConfig()
    dataset = _kept((TEXTS, LABELS), config)
    known = _splits((TEXTS, ["ugly", "good"] * 30)).labels
    config = TextClassificationConfig(dataset=dataset)
    found = given.load_known(dataset.partition(":")[2], config, known)
    assert found.labels.names == ("good", "ugly", "bad")
    (part,) = found.parts.values()
    assert [found.labels.names[label] for label in part.labels] == list(LABELS)
