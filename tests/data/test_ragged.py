"""Rows of different length, against lists of Python."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.data import ragged
from kft.data.ragged import Ragged

# Rows of numbers, or of pairs of numbers.
_ROWS = st.one_of(
    st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=1, max_size=8),
    st.lists(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4),
        min_size=1,
        max_size=5,
    ),
)
# Rows, and some of their numbers, which may repeat.
_CHOSEN = _ROWS.flatmap(
    lambda rows: st.tuples(
        st.just(rows), st.lists(st.integers(0, len(rows) - 1), max_size=10)
    )
)
# Rows, and some of their numbers, each once.
_DISTINCT = _ROWS.flatmap(
    lambda rows: st.tuples(
        st.just(rows), st.lists(st.integers(0, len(rows) - 1), unique=True)
    )
)


def _step(rows: list) -> tuple[int, ...]:
    """Return the shape of a step."""
    steps = [step for row in rows for step in row]
    return np.shape(steps[0]) if steps else ()


def _ragged(rows: list) -> Ragged:
    arrays = [np.array(row, np.int32).reshape(-1, *_step(rows)) for row in rows]
    return Ragged.from_rows(arrays)


def _lists(found: Ragged) -> list:
    return [found[row].tolist() for row in range(len(found))]


def _model(rows: list) -> list:
    return [np.array(row, np.int32).tolist() for row in rows]


@hypothesis.given(_ROWS)
def test_rows_come_back_with_their_lengths(rows):
    found = _ragged(rows)
    assert _lists(found) == _model(rows)
    assert found.lengths.tolist() == [len(row) for row in rows]


@hypothesis.given(_CHOSEN)
def test_taken_rows_are_those_in_their_order(case):
    rows, chosen = case
    taken = _ragged(rows).take(chosen)
    assert _lists(taken) == _model([rows[row] for row in chosen])
    assert taken.offsets.dtype == np.int64


@hypothesis.given(_CHOSEN, st.integers(0, 3))
def test_padded_rows_are_filled_up_at_their_end(case, more):
    rows, chosen = case
    length = max([len(rows[row]) for row in chosen], default=0) + more
    fill = np.full(_step(rows), -1).tolist()
    expected = [
        [*one, *[fill] * (length - len(one))]
        for one in _model([rows[row] for row in chosen])
    ]
    found = _ragged(rows).padded(chosen, length, fill=-1)
    assert found.tolist() == expected
    assert found.shape == (len(chosen), length, *_step(rows))
    assert found.dtype == np.int32


@hypothesis.given(_DISTINCT, st.integers(0, 3))
def test_written_rows_change_as_far_as_they_go_and_no_other_does(case, more):
    rows, chosen = case
    target, longest = _ragged(rows), max([len(rows[row]) for row in chosen], default=0)
    shape = (len(chosen), longest + more, *_step(rows))
    padded = np.arange(np.prod(shape), dtype=np.int32).reshape(shape) + 100
    target.write(np.array(chosen, np.int64), padded)
    expected = _model(rows)
    for place, row in enumerate(chosen):
        expected[row] = padded[place, : len(rows[row])].tolist()
    assert _lists(target) == expected


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="a row has 3 steps, more than 2"):
        _ragged([[1], [1, 2, 3]]).padded([0, 1], 2)


def test_no_rows_have_the_type_that_they_would_have():
    like = np.zeros([4, 2], np.int32)
    found = Ragged.from_rows([], like=like)
    assert (len(found), found.values.shape, found.values.dtype) == (0, (0, 2), np.int32)
    assert len(Ragged.from_rows([np.zeros([0, 2])]).take([])) == 0


def test_values_of_one_length_are_taken_alike():
    rows = np.array([2, 0])
    assert ragged.take(np.arange(3) * 10, rows).tolist() == [20, 0]
    assert _lists(ragged.take(_ragged([[1], [2], [3, 4]]), rows)) == [[3, 4], [1]]
