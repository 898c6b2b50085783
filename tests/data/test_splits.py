"""Splits depend on ids alone, so that they stay when the data grows."""

import csv
import dataclasses
import io

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft import config, errors
from kft.data import examples, splits
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.run_folder import split_csv

_ids = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    unique=True,
    max_size=60,
)
_fractions = st.tuples(st.floats(0, 0.5), st.floats(0, 0.45))
_LABELS = LabelMap(("cat", "dog"))


def _table(ids, numbers, split_names=None, sizes=None):
    n = len(ids)
    return examples.Table(
        ids=np.array(ids),
        labels=np.array(numbers, dtype=np.int32),
        sizes=np.full(n, 100, dtype=np.int64) if sizes is None else np.array(sizes),
        split_names=np.array(["train"] * n if split_names is None else split_names),
        read=lambda rows: rows,
    )


def _hundred(**changes):
    ids = [f"{name}/{i}.jpg" for name in _LABELS.names for i in range(50)]
    table = _table(ids, np.repeat([0, 1], 50))
    return splits.assemble(_LABELS, table, config.ImageOptions(**changes))


@hypothesis.given(_ids, _ids, _fractions)
def test_adding_examples_never_moves_old_ones(old, new, fractions):
    cut = {"validation_fraction": fractions[0], "test_fraction": fractions[1]}
    together = list(dict.fromkeys([*new, *old]))
    before = dict(zip(old, splits.assign(old, **cut), strict=True))
    after = dict(zip(together, splits.assign(together, **cut), strict=True))
    assert {name: after[name] for name in old} == before


@hypothesis.given(_ids, st.floats(0, 0.4), st.floats(0, 0.4))
def test_a_larger_validation_fraction_only_adds_to_it(ids, one, other):
    low, high = sorted([one, other])
    few = splits.assign(ids, validation_fraction=low, test_fraction=0.1)
    many = splits.assign(ids, validation_fraction=high, test_fraction=0.1)
    assert (many[few == "validation"] == "validation").all()
    np.testing.assert_array_equal(few == "test", many == "test")


_HUNDRED = [f"{i}.jpg" for i in range(100)]


@hypothesis.given(st.lists(st.integers(0, 2), min_size=100, max_size=100), st.data())
def test_few_of_each_class_are_a_part_of_more(numbers, drawn):
    small, large = sorted(drawn.draw(st.tuples(*[st.integers(1, 40)] * 2)))
    ids, numbers = np.array(_HUNDRED), np.array(numbers)
    split_names = np.where(np.arange(100) % 4 == 0, "validation", "train")
    few, more = (
        splits.few_of_each(ids, numbers, split_names, number=n) for n in (small, large)
    )
    assert (more[few]).all()
    assert (split_names[more] == "train").all()
    there = np.bincount(numbers[split_names == "train"], minlength=3)
    assert np.bincount(numbers[few], minlength=3).tolist() == [
        min(small, count) for count in there
    ]


@hypothesis.given(st.sets(st.sampled_from(_HUNDRED), max_size=90))
def test_what_is_removed_moves_no_others_of_the_few(removed):
    def few(names):
        zeros, train = np.zeros(len(names), int), np.full(len(names), "train")
        chosen = splits.few_of_each(np.array(names), zeros, train, number=10)
        return {name for name, is_in in zip(names, chosen, strict=True) if is_in}

    left = [name for name in _HUNDRED if name not in removed]
    assert few(_HUNDRED) - removed <= few(left)
    assert len(few(left)) == 10


def test_few_examples_of_each_class_train_and_all_validate(caplog):
    whole = _hundred(validation_fraction=0.3)
    made = _hundred(validation_fraction=0.3, examples_per_class=5)
    assert np.bincount(made.train.labels).tolist() == [5, 5]
    assert set(made.train.ids) < set(whole.train.ids)
    assert made.validation.ids.tolist() == whole.validation.ids.tolist()
    assert made.fingerprint != whole.fingerprint
    assert "fewer" not in caplog.text
    many = _hundred(validation_fraction=0.3, examples_per_class=1000)
    assert many.train.ids.tolist() == whole.train.ids.tolist()
    assert "--examples_per_class=1000: these classes have fewer: cat, dog" in (
        caplog.text
    )


def test_every_class_is_cut_by_the_fractions():
    for name in ("cat", "dog", "ünïcode"):
        ids = [f"{name}/{i:05d}.jpg" for i in range(10_000)]
        split_names = splits.assign(ids, validation_fraction=0.2, test_fraction=0.1)
        # Standard deviations are 0.004 and 0.003.
        assert np.mean(split_names == "validation") == pytest.approx(0.2, abs=0.015)
        assert np.mean(split_names == "test") == pytest.approx(0.1, abs=0.011)


def test_the_hash_is_the_same_on_every_machine_and_version():
    assert splits.hash_ids(["daisy/1.jpg", "ü"]).tolist() == [
        5235888149849518895,
        3976460501203677525,
    ]


def test_the_seed_does_not_move_an_example():
    one, other = _hundred(seed=0), _hundred(seed=1)
    assert one.validation.ids.tolist() == other.validation.ids.tolist()
    assert one.fingerprint == other.fingerprint


def test_each_example_is_in_one_split_with_its_label_and_row():
    result = _hundred(validation_fraction=0.3, test_fraction=0.2)
    parts = result.parts()
    assert list(parts) == ["train", "validation", "test"]
    rows = np.concatenate([part.rows for part in parts.values()])
    np.testing.assert_array_equal(np.sort(rows), np.arange(100))
    for part in parts.values():
        np.testing.assert_array_equal(part.labels, part.rows // 50)
        assert [f"{_LABELS.names[row // 50]}/{row % 50}.jpg" for row in part.rows] == (
            part.ids.tolist()
        )


def test_zero_fractions_leave_everything_to_training():
    result = _hundred(validation_fraction=0.0)
    assert len(result.train) == 100
    assert result.validation is None
    assert result.test is None


def test_splits_of_the_data_itself_are_kept_and_only_missing_ones_are_cut():
    ids = [f"{i}" for i in range(100)]
    split_names = ["validation" if i % 2 else "train" for i in range(100)]
    table = _table(ids, np.arange(100) % 4 // 2, split_names)
    result = splits.assemble(
        _LABELS, table, config.ImageOptions(validation_fraction=0.5, test_fraction=0.3)
    )
    np.testing.assert_array_equal(result.validation.rows, np.arange(1, 100, 2))
    assert set(result.train.rows) | set(result.test.rows) == set(range(0, 100, 2))
    assert len(result.test) > 0


def test_split_csv_holds_id_label_and_split_of_every_example():
    result = _hundred(test_fraction=0.1)
    rows = list(csv.DictReader(io.StringIO(split_csv.text(result))))
    assert len(rows) == 100
    for split, part in result.parts().items():
        assert [row["id"] for row in rows if row["split"] == split] == part.ids.tolist()
    assert all(row["id"].startswith(row["label"] + "/") for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        {"ids": ["a", "b", "c", "x"]},
        {"numbers": [0, 1, 1, 1]},
        {"sizes": [1, 1, 1, 2]},
        {"split_names": ["train", "train", "train", "validation"]},
    ],
)
def test_the_fingerprint_tells_data_sets_apart(change):
    same = {
        "ids": ["a", "b", "c", "d"],
        "numbers": [0, 1, 1, 0],
        "sizes": [1, 1, 1, 1],
        "split_names": ["train"] * 4,
    }
    options = config.ImageOptions(validation_fraction=0.0)
    prints = [
        splits.assemble(_LABELS, _table(**values), options).fingerprint
        for values in (same, same, same | change)
    ]
    assert prints[0] == prints[1] != prints[2]


def test_repeated_ids_are_refused():
    with pytest.raises(errors.DataError, match="repeatedly, such as 'a'"):
        splits.assemble(
            _LABELS, _table(["a", "b", "a"], [0, 1, 0]), config.ImageOptions()
        )


def test_a_class_without_training_examples_is_named():
    table = _table(["a", "b", "c"], [0, 1, 1], ["train", "validation", "validation"])
    with pytest.raises(errors.DataError, match="there are none of: dog"):
        splits.assemble(_LABELS, table, config.ImageOptions())


def _held_out(count):
    """Return ids that the fractions below put into validation or test."""
    names = [str(number) for number in range(1000)]
    cut = splits.assign(names, validation_fraction=0.3, test_fraction=0.2)
    return [n for n, split in zip(names, cut, strict=True) if split != "train"][:count]


_CUT = {"validation_fraction": 0.3, "test_fraction": 0.2}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_of_a_class_of_few_trains_whatever_the_hash(caplog, number):
    rare, many = _held_out(number), [f"many {n}" for n in range(80)]
    labels = [0] * 80 + [1] * number
    options = config.ImageOptions(**_CUT)
    result = splits.assemble(_LABELS, _table([*many, *rare], labels), options)
    kept = set(result.train.ids) & set(rare)
    assert kept == {rare[int(np.argmax(splits.hash_ids(rare)))]}
    assert f"moved to the training split: dog ({number})." in caplog.text
    without = splits.assemble(
        LabelMap(("cat", "x")), _table([*many, "0"], labels[:81]), options
    )
    assert set(without.train.ids) - {"0"} == set(result.train.ids) - kept


def test_one_of_a_class_of_few_takes_its_whole_group_along():
    groups = _held_out(3)
    ids = [f"many {n}" for n in range(80)] + ["a", "b", "c", "d"]
    nearest = groups[int(np.argmax(splits.hash_ids(groups)))]
    table = dataclasses.replace(
        _table(ids, [0] * 80 + [1, 1, 1, 0]),
        groups=np.array([""] * 80 + [*groups, nearest]),
    )
    result = splits.assemble(_LABELS, table, config.ImageOptions(**_CUT))
    expected = {"abc"[groups.index(nearest)], "d"}
    assert set(result.train.ids) & {"a", "b", "c", "d"} == expected


def _assemble(*names):
    table = _table([str(n) for n in range(40)], np.arange(40) % len(names))
    return splits.assemble(LabelMap(names), table, config.ImageOptions())


@pytest.mark.parametrize(
    "names",
    [
        ("Cat", "cat"),
        ("1", "1.0"),
        ("caf\u00e9", "cafe\u0301"),
        ("a b", "a  b"),
        # A Cyrillic letter, a blank of no width and a mark of direction.
        ("dog", "d\u043eg"),
        ("Top", "\u0422\u043e\u0440"),
        ("dog", "dog\u200b"),
        ("\u200edog", "dog"),
    ],
)
def test_classes_that_a_person_would_call_one_are_named_with_counts(caplog, names):
    _assemble(*sorted(names), "other")
    first, second = sorted(names)
    assert f"{first!r} (14), {second!r} (13). If they are" in caplog.text
    codes = f"In codes: {first!a}, {second!a}."
    assert (codes in caplog.text) == (not (first + second).isascii())


def test_classes_that_differ_are_not_named(caplog):
    _assemble("1", "10", "-1", "cat", "cats", "c at", "1.0.0")
    assert "look like one" not in caplog.text


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([f"{n / 7:.3f}" for n in range(30)], "These are numbers, which cannot be"),
        ([f"a sentence {n}" for n in range(30)], "Check that labels are names"),
        ([str(n) for n in range(30)], "Check that labels are names"),
    ],
)
def test_labels_that_are_no_classes_are_named(caplog, names, said):
    _assemble(*names)
    assert f"40 examples have 30 different labels: {names[0]}, " in caplog.text
    assert said in caplog.text


def test_classes_of_few_examples_are_not_named(caplog):
    _assemble(*[f"{n / 7:.3f}" for n in range(20)])
    _assemble(*"ab")
    assert "different labels" not in caplog.text


def test_columns_that_were_mixed_up_are_said_where_nothing_can_be_held_out():
    names = LabelMap(tuple(f"a sentence {n}" for n in range(40)))
    table = _table([str(n) for n in range(40)], np.arange(40))
    with pytest.raises(errors.DataError, match="go without. 40 examples have 40 diff"):
        splits.assemble(names, table, config.ImageOptions())


def test_too_few_groups_to_hold_one_out_are_counted():
    table = _table([str(n) for n in range(40)], np.arange(40) % 2)
    names = [name for name in "abcdefgh" if _split_name(name, 0.2) == "train"]
    table = dataclasses.replace(table, groups=np.array(names[:2] * 20))
    with pytest.raises(errors.DataError, match="of the 40 examples in 2 groups of"):
        splits.assemble(_LABELS, table, config.ImageOptions(validation_fraction=0.2))


def test_classes_that_only_blanks_tell_apart_are_refused():
    with pytest.raises(errors.DataError, match=r"'cat' \(14\), 'cat ' \(13\). Give"):
        _assemble("cat", "cat ", "dog")


def test_a_validation_split_that_comes_out_empty_is_an_error():
    ids = [name for name in map(str, range(50)) if _split_name(name, 0.05) == "train"][
        :4
    ]
    with pytest.raises(errors.DataError, match="--validation_fraction=0.05: of the 4"):
        splits.assemble(
            _LABELS,
            _table(ids, [0, 0, 1, 1]),
            config.ImageOptions(validation_fraction=0.05),
        )


def _split_name(name, fraction):
    return splits.assign([name], validation_fraction=fraction, test_fraction=0)[0]


def test_fractions_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(errors.ConfigError, match=r"0\.6 \+ 0\.4"):
        splits.check_fractions(
            config.ImageOptions(validation_fraction=0.6, test_fraction=0.4)
        )


def _of_several_classes():
    """Return examples each of which is of both classes, or of none."""
    numbers = np.repeat(np.array([[1, 1], [0, 0]], np.float32), 50, axis=0)
    ids = [f"{i}.jpg" for i in range(100)]
    return dataclasses.replace(_table(ids, np.zeros(100)), labels=numbers)


def test_examples_of_several_classes_are_split_by_their_ids_alone():
    table = _of_several_classes()
    options = config.ImageOptions(validation_fraction=0.2)
    several = splits.assemble(_LABELS, table, options)
    one = splits.assemble(_LABELS, _table(table.ids, np.arange(100) % 2), options)
    assert several.validation.ids.tolist() == one.validation.ids.tolist()
    assert several.fingerprint != one.fingerprint
    rows = list(csv.DictReader(io.StringIO(split_csv.text(several))))
    assert {row["label"] for row in rows} == {"cat, dog", ""}


def test_a_class_among_several_may_have_no_training_examples(caplog):
    table = _of_several_classes()
    table.labels[:, 1] = 0
    splits.assemble(_LABELS, table, config.ImageOptions())
    assert "No training examples of these classes: dog." in caplog.text


def test_labels_and_lengths_of_steps_go_with_their_examples():
    rows = [np.full(1 + i % 3, i % 2, np.int32) for i in range(100)]
    table = dataclasses.replace(
        _table([f"{i}" for i in range(100)], np.zeros(100)),
        labels=Ragged.from_rows(rows),
        lengths=np.array([len(row) for row in rows]),
    )
    made = splits.assemble(_LABELS, table, config.ImageOptions(validation_fraction=0.3))
    for part in made.parts().values():
        for position, name in enumerate(part.ids.tolist()):
            np.testing.assert_array_equal(part.labels[position], rows[int(name)])
            assert part.lengths[position] == len(rows[int(name)])
    labels = {row["id"]: row["label"] for row in _rows_of(split_csv.text(made))}
    assert (labels["0"], labels["5"]) == ("cat", "dog dog dog")


def _rows_of(text):
    return csv.DictReader(io.StringIO(text))


def test_few_of_a_class_are_for_examples_of_one_class():
    options = config.ImageOptions(examples_per_class=3)
    with pytest.raises(errors.ConfigError, match="--examples_per_class=3: .* several"):
        splits.assemble(_LABELS, _of_several_classes(), options)


def test_the_fingerprint_of_a_data_set_stays_what_it_was():
    assert _hundred().fingerprint == (
        "51895b3aec1a3239d278fd9d621359ea2208f4a21223fff797ad0940e4815d87"
    )


@pytest.mark.parametrize("name", ["nan", "None", "N/A", "<NA>", "NULL"])
def test_a_class_that_may_be_a_missing_label_is_named(caplog, name):
    _assemble("cat", "dog", name)
    assert f"a class is called {name!r}, which often stands for" in caplog.text


def test_numbers_out_of_their_order_are_named(caplog):
    _assemble("0", "1", "10", "2")
    assert "class number 2 is the one called '10'" in caplog.text


@pytest.mark.parametrize(
    "names", [("0", "1", "2"), ("01", "02", "10"), ("1", "10", "2", "x"), ("-1", "1")]
)
def test_numbers_in_order_and_other_names_are_not(caplog, names):
    _assemble(*names)
    assert "class number" not in caplog.text
