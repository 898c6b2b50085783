"""LabelMap: names and ids are two sides of one thing, and its text file keeps both."""

import time

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.data.labels import LabelMap

_name = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name.strip() and name.splitlines() == [name]
)


@hypothesis.given(st.lists(_name, min_size=2, unique=True))
def test_text_reads_back_whatever_the_names(names):
    labels = LabelMap(tuple(names))
    assert LabelMap.parse(labels.text()) == labels


def test_index_is_the_position():
    labels = LabelMap(("rose", "daisy", "tulip"))
    assert [labels.index(name) for name in labels.names] == [0, 1, 2]
    assert len(labels) == 3


def test_unknown_name_is_an_error_with_the_nearest_name():
    with pytest.raises(errors.DataError, match="no class 'roze'.*mean rose"):
        LabelMap(("rose", "daisy")).index("roze")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "at least 2 classes, received 0"),
        (("rose",), "at least 2 classes, received 1: rose"),
        (("rose", "daisy", "rose"), "repeatedly: rose"),
        (("rose", "two\nlines"), "line breaks, received 'two\\\\nlines'"),
        (("rose", "two\u2028lines"), "line breaks"),
        (("rose", " "), "line breaks, received ' '"),
    ],
)
def test_unusable_names_are_refused(names, message):
    with pytest.raises(errors.DataError, match=message):
        LabelMap(names)


def test_many_classes_are_checked_in_no_time():
    start = time.process_time()
    LabelMap(tuple(map(str, range(20_000))))
    assert time.process_time() - start < 1
