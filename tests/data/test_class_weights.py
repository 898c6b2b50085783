"""Rare classes count more, or come more often: by how much, in numbers."""

import dataclasses
import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft import config, errors
from kft.data import (
    class_weights,
    epoch_plan,
    examples,
    label_arrays,
    labels,
    sampling,
)
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare

_NAMES = ("cat", "dog", "owl")
_labels = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(
    lambda values: np.array(values, np.int32)
)


def _splits(classes):
    n = len(classes)
    train = examples.Examples(
        ids=np.array([f"{i}" for i in range(n)]),
        labels=np.array(classes, np.int32),
        rows=np.arange(n),
        read=lambda rows: rows,
    )
    return examples.Splits(
        labels=labels.LabelMap(_NAMES),
        train=train,
        validation=None,
        test=None,
        fingerprint="",
        source="test",
    )


def _find(value, classes=(0, 1, 2)):
    return class_weights.find(
        config.ImageOptions(class_weight=str(value)), _splits(classes)
    )


@hypothesis.given(_labels)
def test_balanced_classes_count_alike_and_an_example_1_on_average(values):
    weights = class_weights.balanced(values, 6)
    assert weights[values].mean() == pytest.approx(1)
    totals = np.bincount(values, weights=weights[values], minlength=6)
    assert np.ptp(totals[totals > 0]) == pytest.approx(0, abs=1e-9)
    assert (weights > 0).all()


def test_weights_by_hand():
    np.testing.assert_allclose(
        _find("balanced", [0] * 6 + [1] * 2 + [2]), [0.5, 1.5, 3]
    )
    assert _find("none") is None


@pytest.mark.parametrize("ending", ["json", "csv", "tsv"])
def test_a_file_gives_the_weights_as_they_are(tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    path.write_text(
        {
            "json": '{"owl": 2, "cat": 0.5, "dog": 1e1}',
            "csv": "label,weight\nowl,2\ncat,0.5\ndog,1e1\n",
            "tsv": "weight\tlabel\n2\towl\n0.5\tcat\n1e1\tdog\n",
        }[ending]
    )
    np.testing.assert_array_equal(_find(path), [0.5, 10, 2])
    class_weights.check(config.ImageOptions(class_weight=str(path)))


def test_what_is_written_can_be_given_back(tmp_path):
    weights = np.array([1 / 3, 7.25, 1e-5])
    path = tmp_path / "class_weights.csv"
    path.write_text(class_weights.text(weights, _splits([0, 0, 1, 2])))
    assert path.read_text().startswith("label,examples,weight\ncat,2,0.333")
    np.testing.assert_array_equal(_find(path), weights)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"cat": 1, "dog": 2}', "each of the 3 labels.*are missing: owl"),
        (
            "a.json",
            '{"cat": 1, "dog": 2, "owk": 3}',
            "no label 'owk'. Did you mean owl",
        ),
        ("a.json", '{"cat": 1, "cat": 2}', "a label is there twice"),
        (
            "a.json",
            '{"cat": 0, "dog": 1, "owl": 1}',
            "'cat': expected a number above 0",
        ),
        ("a.json", '{"cat": NaN, "dog": 1, "owl": 1}', "number above 0, received nan"),
        ("a.json", '{"cat": true, "dog": 1, "owl": 1}', "above 0, received True"),
        ("a.json", '{"cat": [1], "dog": 1, "owl": 1}', r"above 0, received \[1\]"),
        ("a.json", "[1, 2]", r"an object of labels and weights, received \[1, 2\]"),
        ("a.json", "{", "expected JSON such as"),
        ("a.csv", "label,weight\ncat,1\ncat,2\n", "line 3: 'cat' has a weight already"),
        ("a.csv", "label,weight\ncat,much\n", "line 2: expected a number above 0"),
        ("a.csv", "label\ncat\n", "line 1: .*'weight' is missing"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(
        errors.DataError, match=f"(?s)--class_weight=.*{name}.*{message}"
    ):
        _find(tmp_path / name)


def test_no_such_file_names_the_alternatives():
    with pytest.raises(errors.ConfigError, match="balanced, or the path.*'balance'"):
        class_weights.check(config.ImageOptions(class_weight="balance"))


def test_what_is_in_use_is_said():
    given = config.ImageOptions(class_weight="balanced", sampling="balanced")
    splits = _splits([0] * 6 + [1] * 2 + [2])
    weights = class_weights.find(given, splits)
    assert class_weights.describe(given, splits, weights) == [
        "--class_weight=balanced: owl 3, dog 1.5, cat 0.5",
        "--sampling=balanced: 3 of each class in an epoch; of owl each example 3 "
        "times, of cat 0.5 times.",
    ]
    assert class_weights.describe(config.ImageOptions(), _splits([0]), None) == []


_epochs = st.integers(0, 50)


@hypothesis.given(_labels, st.integers(0, 2**31 - 1), _epochs)
def test_a_balanced_epoch_draws_every_class_alike(values, seed, epoch):
    drawn = sampling.balanced_order(values, seed=seed, epoch=epoch)
    assert len(drawn) == len(values)
    counts = np.bincount(values[drawn], minlength=5)[np.unique(values)]
    assert np.ptp(counts) <= 1
    again = sampling.balanced_order(values, seed=seed, epoch=epoch)
    np.testing.assert_array_equal(drawn, again)


@hypothesis.given(_labels, st.integers(0, 2**31 - 1), st.integers(1, 8))
def test_over_epochs_no_example_of_a_class_is_preferred(values, seed, epochs):
    drawn = np.concatenate(
        [sampling.balanced_order(values, seed=seed, epoch=e) for e in range(epochs)]
    )
    counts = np.bincount(drawn, minlength=len(values))
    for label in np.unique(values):
        assert np.ptp(counts[values == label]) <= 1


def test_what_a_balanced_epoch_draws_is_random_and_so_is_its_order():
    values = np.repeat([0, 1], [90, 10]).astype(np.int32)
    drawn = [sampling.balanced_order(values, seed=seed, epoch=0) for seed in range(20)]
    # 50 of the 90: other ones with each seed.
    parts = {tuple(sorted(positions[positions < 90])) for positions in drawn}
    assert len(parts) == 20
    # The class changes at half of 99 borders; the standard deviation of a mean is 1.1.
    changes = [np.count_nonzero(np.diff(values[positions])) for positions in drawn]
    assert np.mean(changes) == pytest.approx(49.5, abs=5)


@hypothesis.given(_labels)
def test_occurrences_count_what_came_before(values):
    expected = [list(values[:i]).count(value) for i, value in enumerate(values)]
    np.testing.assert_array_equal(sampling.occurrences(values), expected)


_RECIPE = epoch_plan.SamplingConfig(seed=5, balanced=True)


def _epoch(classes, *, recipe=_RECIPE, epoch=0, **share):
    part = _splits(classes).train
    keys = np.stack([np.zeros(len(part)), np.arange(len(part)) * 1000], axis=-1)
    return epoch_plan.train_epoch(
        part,
        BatchShare(**({"batch_size": 8} | share)),
        recipe,
        keys=keys.astype(np.int64),
        epoch=epoch,
    )


_CLASSES = [0] * 20 + [1] * 2 + [2]


def test_an_example_that_comes_again_has_another_key_and_another_view():
    found = _epoch(
        _CLASSES, recipe=epoch_plan.SamplingConfig(seed=5, balanced=True, views=3)
    )
    valid = found.weights > 0
    rows, keys = found.rows[valid], found.keys[valid]
    assert len(np.unique(keys, axis=0)) == valid.sum() == 23
    only_one_of_its_class = rows[found.labels[valid] == 2]
    assert np.bincount(only_one_of_its_class // 23, minlength=3).min() >= 2


def test_balanced_batches_are_shared_out_as_others_are():
    whole = _epoch(_CLASSES)
    parts = [_epoch(_CLASSES, worker=w, num_workers=2, replicas=2) for w in range(2)]
    for name in epoch_plan.EpochPlan._fields:
        columns = [
            getattr(part, name).reshape(3, 4, *getattr(part, name).shape[2:])
            for part in parts
        ]
        np.testing.assert_array_equal(
            np.concatenate(columns, axis=1), getattr(whole, name)
        )


def test_class_weights_multiply_the_weights_of_examples():
    weights = np.array([0.5, 1.0, 4.0])
    plain = _epoch(_CLASSES, recipe=epoch_plan.SamplingConfig(seed=5))
    weighted = _epoch(
        _CLASSES, recipe=epoch_plan.SamplingConfig(seed=5, class_weights=weights)
    )
    np.testing.assert_allclose(weighted.weights, plain.weights * weights[plain.labels])
    # 23 examples in batches of 8: the last one has a row that does not count.
    assert (weighted.weights > 0).sum() == 23
    np.testing.assert_allclose(plain.weights.sum(axis=1), 1, rtol=1e-6)


def test_the_files_of_users_are_json_that_others_write(tmp_path):
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(dict.fromkeys(_NAMES, 1)), encoding="utf-8-sig")
    np.testing.assert_array_equal(_find(path), [1, 1, 1])


def _with_labels(labels):
    splits = _splits([0] * len(labels))
    train = dataclasses.replace(splits.train, labels=labels)
    return dataclasses.replace(splits, train=train)


_STEPS = Ragged.from_rows([np.array([0, 1], np.int32), np.array([2], np.int32)])
_SEVERAL = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]], np.float32)


@pytest.mark.parametrize(
    ("labels", "options", "what"),
    [
        (_SEVERAL, {"sampling": "balanced"}, "several labels"),
        (_STEPS, {"sampling": "balanced"}, "a label for each step"),
        (_STEPS, {"class_weight": "balanced"}, "a label for each step"),
    ],
)
def test_what_means_nothing_for_such_labels_is_refused(labels, options, what):
    splits = _with_labels(labels)
    with pytest.raises(errors.ConfigError, match=f"=balanced: .* {what}"):
        class_weights.find(config.ImageOptions(**options), splits)
    assert class_weights.find(config.ImageOptions(), splits) is None


def test_of_several_classes_each_has_the_same_part_in_all_labels():
    options = config.ImageOptions(class_weight="balanced")
    found = class_weights.find(options, _with_labels(_SEVERAL))
    np.testing.assert_allclose(found, [4 / 6, 4 / 2, 1])


def test_an_example_of_several_classes_has_their_mean_weight_and_of_none_1():
    weights = np.array([0.5, 2.0, 4.0])
    found = label_arrays.mean_of_classes(weights, _SEVERAL[None])
    np.testing.assert_allclose(found, [[1.25, 1, 0.5, 0.5]])
    part = _with_labels(_SEVERAL).train
    plan = epoch_plan.train_epoch(
        part,
        BatchShare(batch_size=4),
        epoch_plan.SamplingConfig(seed=5, class_weights=weights),
        keys=np.zeros([4, 2], np.int64),
        epoch=0,
    )
    np.testing.assert_allclose(plan.weights, found[:, plan.rows[0]] / 4)
    np.testing.assert_array_equal(plan.labels[0], _SEVERAL[plan.rows[0]])
