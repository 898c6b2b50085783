"""Labels that people have in Python, where an example may be of several classes."""

from typing import Any

import numpy as np
import pytest

from kft import errors, tasks
from kft.config import TextClassificationConfig
from kft.data.examples import Splits
from kft.data.sources import given
from kft.tasks import given_data

TEXTS = ("rain", "sun", "both", "neither")
NAMES = (["wet"], ["warm"], ["warm", "wet"], [])
SWITCHES = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])


def _splits(data: Any, names: Any = None, **options: Any) -> Splits:
    config = TextClassificationConfig(
        multi_label=True, validation_fraction=0.0, **options
    )
    examples = given_data.examples_of(data, config, names)
    dataset = given.keep(examples)
    return tasks.load_splits(
        TextClassificationConfig(
            dataset=dataset, multi_label=True, validation_fraction=0.0, **options
        )
    )


def _named(splits: Splits) -> dict[str, set[str]]:
    """Return the classes of each text."""
    train, names = splits.train, np.array(splits.labels.names)
    texts = [one.decode() for one in train.read(train.rows).numpy()]
    labels = np.asarray(train.labels)
    return {text: set(names[row > 0]) for text, row in zip(texts, labels, strict=True)}


EXPECTED = {"rain": {"wet"}, "sun": {"warm"}, "both": {"warm", "wet"}, "neither": set()}


@pytest.mark.parametrize(
    ("labels", "class_names"),
    [
        (NAMES, None),
        ([tuple(names) for names in NAMES], None),
        ([set(names) for names in NAMES], None),
        (["wet", "warm", "warm|wet", ""], None),
        ([[1], [0], [0, 1], []], ["warm", "wet"]),
        (SWITCHES, ["warm", "wet"]),
        (SWITCHES.astype(bool), ["warm", "wet"]),
        (list(SWITCHES.astype(np.float32)), ["warm", "wet"]),
    ],
)
def test_all_forms_say_the_same(labels: Any, class_names: Any) -> None:
    found = _splits((TEXTS, labels), class_names)
    assert _named(found) == EXPECTED
    assert found.labels.names == ("warm", "wet")
    assert found.train.labels.dtype == np.float32
    assert found.fingerprint == _splits((TEXTS, NAMES)).fingerprint


def test_without_names_places_and_numbers_are_names() -> None:
    assert _splits((TEXTS, SWITCHES)).labels.names == ("0", "1")
    three = np.pad(SWITCHES, ((0, 0), (0, 1)))
    # A class that no example is of is one all the same.
    assert _splits((TEXTS, three)).labels.names == ("0", "1", "2")
    assert _splits((TEXTS, [[10], [2], [2, 10], []])).labels.names == ("2", "10")


def test_a_frame_has_lists_texts_or_a_column_for_each_class() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": NAMES})
    assert _named(_splits(frame)) == EXPECTED
    frame = frame.assign(label=["wet", "warm", "warm|wet", ""])
    assert _named(_splits(frame)) == EXPECTED
    columns = pandas.DataFrame(
        {"text": TEXTS, "warm": SWITCHES[:, 0], "wet": SWITCHES[:, 1]}
    )
    found = _splits(columns, label_columns=("warm", "wet"))
    assert _named(found) == EXPECTED
    with pytest.raises(errors.DataError, match=r"the columns cold \(label_columns\)"):
        _splits(columns, label_columns=("cold",))
    with pytest.raises(errors.ConfigError, match="label_columns=warm: these are col"):
        _splits((TEXTS, NAMES), label_columns=("warm",))


def test_a_data_set_of_tensorflow_has_a_number_for_each_class() -> None:
    import tensorflow as tf

    whole = tf.data.Dataset.from_tensor_slices((list(TEXTS), SWITCHES))
    assert _named(_splits(whole, ["warm", "wet"])) == EXPECTED
    single = tf.data.Dataset.from_tensor_slices((list(TEXTS), [0, 1, 0, 1]))
    with pytest.raises(errors.DataError, match="expected 0 or 1 for each class as"):
        _splits(single)
    with pytest.raises(errors.DataError, match=r"\.unbatch\(\) takes batches apart"):
        _splits(whole.batch(2))


@pytest.mark.parametrize(
    ("labels", "class_names", "said"),
    [
        ([0, 1, 0, 1], None, r"label 0: expected a list of classes \(multi_label=True"),
        ([["a"], ["b"], ["a", "a"], []], None, "label 2: expected each class once"),
        (["a", "b", "a|a", ""], None, "label 2: expected each class once"),
        (["a", "b", "a||b", ""], None, "label 2: .* in which one is missing"),
        ([["a"], [1], [], []], None, "all numbers or all names, received both"),
        ([["a"], ["b"], [None], []], None, "received label 2: None"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], None, "label 2: .*give a NumPy array"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], None, "each label is a list of 0 and 1"),
        (SWITCHES * 2, None, "label 0: expected an array of 2 numbers that are 0 or 1"),
        (SWITCHES * np.nan, None, "label 0: expected an array of 2 numbers"),
        ([*SWITCHES[:3], np.zeros(3)], None, "label 3: expected an array of 2 numbers"),
        ([*SWITCHES[:3], [0, 1]], None, r"label 3: .* received \[0, 1\]"),
        ([*SWITCHES[:3], ["a"]], None, r"label 3: .* received \['a'\]"),
        (SWITCHES, ["a", "b", "c"], "arrays of 2 numbers, and there are 3 classes: a"),
        ([[0], [2], [], []], ["a", "b"], r"label 1 is 2, and there are 2 class names"),
        ([["a"], ["x"], [], []], ["a", "b"], "label 1 is 'x', which is no class"),
    ],
)
def test_what_says_no_classes_is_named(
    labels: Any, class_names: Any, said: str
) -> None:
    with pytest.raises(errors.DataError, match=said):
        _splits((TEXTS, labels), class_names)


def test_a_run_knows_its_own_classes_first() -> None:
    config = TextClassificationConfig(multi_label=True)
    for labels in ([["new"], ["wet"], [], []], np.array([[0, 1]] * 4)):
        names = ["new", "wet"]
        examples = given_data.examples_of((TEXTS, labels), config, names)
        with given.kept(examples) as dataset:
            known = tasks.load_known(
                TextClassificationConfig(dataset=dataset, multi_label=True),
                _splits((TEXTS, NAMES)).labels,
            )
        assert known.labels.names == ("warm", "wet", "new")
    (part,) = known.parts.values()
    assert np.asarray(part.labels).tolist() == [[0, 1, 0]] * 4


def test_other_classes_are_other_data() -> None:
    config = TextClassificationConfig(multi_label=True)
    digests = {
        given_data.examples_of((TEXTS, labels), config, None).digest
        for labels in (NAMES, NAMES[::-1], [["warm", "wet"]] * 4)
    }
    assert len(digests) == 3
