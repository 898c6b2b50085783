"""An example that was changed in place is noticed, whatever its name and size."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from kft.data.examples import Examples
from kft.training.feature_cache.content_digests import ContentDigests

PAYLOADS = (b"zero", b"one", b"two", b"three", b"four")
# As a split has them: some rows of a source, in any order.
ROWS = np.array([3, 0, 4])


def examples(payloads: Sequence[bytes] = PAYLOADS) -> Examples:
    stored = tf.constant(payloads)
    return Examples(
        ids=ROWS.astype(str),
        labels=np.zeros(3, np.int32),
        rows=ROWS,
        read=lambda rows: tf.gather(stored, rows),
    )


def noted(payloads: Sequence[bytes] = PAYLOADS) -> np.ndarray:
    digests = ContentDigests(examples(payloads))
    read = digests.noting().read
    rows = tf.data.Dataset.from_tensors(ROWS[[2, 0, 1, 1]]).map(read)
    found = next(rows.as_numpy_iterator())
    assert found.tolist() == [payloads[4], payloads[3], payloads[0], payloads[0]]
    return digests.digests


def matches(stored: np.ndarray, payloads: Sequence[bytes] = PAYLOADS) -> bool:
    return ContentDigests(examples(payloads)).match(stored, advance=lambda count: None)


def test_what_was_read_in_any_order_is_recognized() -> None:
    assert matches(noted())
    assert len(np.unique(noted(), axis=0)) == 3


@pytest.mark.parametrize("row", ROWS)
def test_a_change_of_equal_size_is_noticed(row: int) -> None:
    changed = list(PAYLOADS)
    changed[row] = changed[row].upper()
    assert not matches(noted(), changed)


def test_a_change_of_what_is_not_in_the_split_changes_nothing() -> None:
    assert matches(noted(), (b"zero", b"ONE", b"TWO", b"three", b"four"))


def test_what_another_worker_has_read_is_left_to_it() -> None:
    stored = noted()
    stored[1] = 0
    assert matches(stored, (b"ZERO", b"one", b"two", b"three", b"four"))


def test_digests_of_other_examples_match_nothing() -> None:
    assert not matches(noted()[:2])
    assert not matches(noted()[:, :8])


def test_examples_that_are_gone_match_nothing() -> None:
    assert not matches(noted(), PAYLOADS[:4])


def test_examples_are_read_once_for_several_stores() -> None:
    counts: list[int] = []
    digests = ContentDigests(examples())
    for _ in range(2):
        assert digests.match(noted(), advance=counts.append)
    assert counts == [1, 2, 3]
