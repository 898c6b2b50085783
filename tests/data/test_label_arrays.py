"""Labels: one class each, several, or one for each step."""

import numpy as np
import pytest

from kft import errors
from kft.data import label_arrays
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged

_LABELS = LabelMap(("B", "I", "O"))
_CLASSES = np.array([2, 0, 2], np.int32)
_SEVERAL = np.array([[1, 0, 1], [0, 0, 0], [0, 0, 1]], np.float32)
_STEPS = Ragged.from_rows([np.array(row, np.int32) for row in ([0, 1, 2], [], [2, 2])])


@pytest.mark.parametrize(
    ("labels", "counts", "texts"),
    [
        (_CLASSES, [1, 0, 2], ["O", "B", "O"]),
        (_SEVERAL, [1, 0, 2], ["B, O", "", "O"]),
        (_STEPS, [1, 1, 3], ["B I O", "", "O O"]),
    ],
    ids=["one", "several", "steps"],
)
def test_labels_are_counted_and_named(labels, counts, texts):
    assert label_arrays.count(labels, len(_LABELS)).tolist() == counts
    assert label_arrays.texts(labels, _LABELS) == texts


@pytest.mark.parametrize(
    ("labels", "what"),
    [(_SEVERAL, "with several labels"), (_STEPS, "with a label for each step")],
)
def test_a_flag_for_examples_of_one_class_is_refused_for_others(labels, what):
    label_arrays.require_one_class_each(_CLASSES, "--x=1")
    with pytest.raises(errors.ConfigError, match=f"--x=1: .* received examples {what}"):
        label_arrays.require_one_class_each(labels, "--x=1")


def test_a_fingerprint_tells_apart_where_rows_end():
    moved = Ragged(_STEPS.values, np.array([0, 2, 3, 5]))
    assert label_arrays.to_bytes(moved) != label_arrays.to_bytes(_STEPS)
    assert label_arrays.to_bytes(_CLASSES) == _CLASSES.astype("<i8").tobytes()
