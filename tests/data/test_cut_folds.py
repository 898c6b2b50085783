"""Folds are equal parts of the examples, with as many of each class as can be."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft import config, errors
from kft.data import cut_folds, examples, splits
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged

_LABELS = LabelMap(("cat", "dog"))


def _dealt(keys, class_ids, number):
    keys = np.array(keys)
    order = np.argsort(splits.hash_ids(keys), kind="stable")
    return cut_folds.assign(keys, order, class_ids, number)


@hypothesis.given(
    st.lists(st.integers(0, 3), min_size=12, max_size=60),
    st.integers(2, 6),
    st.randoms(use_true_random=False),
)
def test_each_class_is_dealt_evenly_wherever_its_examples_lie(classes, number, random):
    class_ids = np.array(classes)
    hypothesis.assume(np.bincount(class_ids).max() >= number)
    ids = [f"{place}.jpg" for place in range(len(classes))]
    found = _dealt(ids, class_ids, number)
    for class_id in np.unique(class_ids):
        sizes = np.bincount(found[class_ids == class_id], minlength=number)
        assert sizes.max() - sizes.min() <= 1
    mixed = list(range(len(ids)))
    random.shuffle(mixed)
    again = _dealt([ids[i] for i in mixed], class_ids[mixed], number)
    np.testing.assert_array_equal(again, found[mixed])


@pytest.mark.parametrize("classes", [np.arange(30) % 2, None])
def test_a_group_stays_in_one_fold(classes):
    groups = [f"speaker{place % 7}" for place in range(30)]
    found = _dealt(groups, classes, 3)
    assert set(found.tolist()) == {0, 1, 2}
    for group in set(groups):
        of_group = [fold for g, fold in zip(groups, found, strict=True) if g == group]
        assert len(set(of_group)) == 1


def test_examples_of_several_classes_are_dealt_evenly():
    found = _dealt([str(number) for number in range(20)], None, 4)
    assert np.bincount(found).tolist() == [5, 5, 5, 5]


def _table(*, labels=None, split_names=None, groups=None, count=20):
    return examples.Table(
        ids=np.array([f"{place}.jpg" for place in range(count)]),
        labels=(np.arange(count) % 2).astype(np.int32) if labels is None else labels,
        sizes=np.full(count, 100),
        split_names=np.array(split_names or ["train"] * count),
        read=lambda rows: rows,
        groups=groups,
    )


def _cut(table, **options):
    return splits.assemble(_LABELS, table, config.TrainConfig(dataset="x", **options))


def test_every_example_validates_once_and_trains_otherwise():
    table = _table()
    made = [_cut(table, folds=4, fold=fold) for fold in range(4)]
    held_out = [name for one in made for name in one.validation.ids.tolist()]
    assert sorted(held_out) == sorted(table.ids.tolist())
    for one in made:
        assert len(one.validation) in (4, 5, 6)
        assert {*one.train.ids} == {*table.ids} - {*one.validation.ids}
        assert one.test is None


def test_test_examples_are_in_no_fold_and_those_that_validate_are_cut_anew(caplog):
    names = ["train"] * 10 + ["validation"] * 6 + ["test"] * 4
    table = _table(split_names=names)
    with caplog.at_level("INFO", logger="absl"):
        made = [_cut(table, folds=2, fold=fold) for fold in range(2)]
    assert "validation examples that the data names are cut into folds" in caplog.text
    for one in made:
        assert one.test.ids.tolist() == table.ids[16:].tolist()
    held_out = [name for one in made for name in one.validation.ids.tolist()]
    assert sorted(held_out) == sorted(table.ids[:16].tolist())


def test_a_share_for_the_test_is_taken_before_the_folds():
    plain = _cut(_table(count=200), test_fraction=0.2)
    folded = _cut(_table(count=200), test_fraction=0.2, folds=5, fold=0)
    assert folded.test.ids.tolist() == plain.test.ids.tolist()


def test_groups_of_the_data_stay_whole():
    groups = np.array([f"g{place % 5}" for place in range(20)])
    one = _cut(_table(groups=groups), folds=5, fold=2)
    assert len({*groups[np.isin(_table().ids, one.validation.ids)]}) == 1


def test_sequences_of_labels_are_cut_too():
    labels = Ragged.from_rows([np.array([0, 1], np.int32)] * 20)
    made = [_cut(_table(labels=labels), folds=4, fold=fold) for fold in range(4)]
    assert [len(one.validation) for one in made] == [5, 5, 5, 5]


def test_classes_with_fewer_examples_than_folds_are_named(caplog):
    labels = np.array([0] * 17 + [1] * 3, np.int32)
    _cut(_table(labels=labels), folds=5, fold=0)
    assert "--folds=5: these classes have fewer examples than" in caplog.text
    assert "dog" in caplog.text


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"count": 3}, {"folds": 4, "fold": 0}, "as many examples, received 3"),
        ({"count": 6}, {"folds": 5, "fold": 0}, "a class with as many examples, .* 3"),
        (
            {"groups": np.array(["a", "b"] * 10)},
            {"folds": 3, "fold": 0},
            "as many groups, each of which stays whole, received 2",
        ),
        ({}, {"folds": 4}, "say which examples validate: --fold=0"),
        ({}, {"folds": 4, "fold": 4}, "expected --fold from 0 to 3, received 4"),
        ({}, {"fold": 1}, "expected --folds with it"),
        ({}, {"folds": 2, "fold": 0, "split_file": "x.csv"}, "both say what is in"),
    ],
)
def test_what_cannot_be_cut_is_said(table, options, message):
    with pytest.raises((errors.DataError, errors.ConfigError), match=message):
        _cut(_table(**table), **options)
