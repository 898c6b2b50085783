"""The order of examples: exact, resumable and shared without gaps or repetition."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.data import sampling

_plans = st.builds(
    lambda n, part, num_workers, seed, epoch, shuffle: (
        n,
        {
            "batch_size": part * num_workers,
            "num_workers": num_workers,
            "seed": seed,
            "epoch": epoch,
            "shuffle": shuffle,
        },
    ),
    n=st.integers(1, 300),
    part=st.integers(1, 40),
    num_workers=st.integers(1, 5),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 10_000),
    shuffle=st.booleans(),
)


def _batches(n, plan, **share):
    values = np.arange(n)
    if plan["shuffle"]:
        values = sampling.epoch_order(n, seed=plan["seed"], epoch=plan["epoch"])
    return sampling.batches(values, plan["batch_size"], **share)


def _workers(n, plan):
    num_workers = plan["num_workers"]
    return [
        _batches(n, plan, worker=worker, num_workers=num_workers)
        for worker in range(num_workers)
    ]


@hypothesis.given(_plans)
def test_each_example_is_valid_once_in_an_epoch(case):
    n, plan = case
    seen = np.concatenate([rows[valid] for rows, valid in _workers(n, plan)])
    np.testing.assert_array_equal(np.sort(seen), np.arange(n))


@hypothesis.given(_plans)
def test_workers_together_take_what_one_worker_takes(case):
    n, plan = case
    parts = _workers(n, plan)
    alone_rows, alone_valid = _batches(n, plan)
    np.testing.assert_array_equal(np.hstack([rows for rows, _ in parts]), alone_rows)
    np.testing.assert_array_equal(np.hstack([v for _, v in parts]), alone_valid)


@hypothesis.given(_plans)
def test_only_the_last_batch_is_filled_up(case):
    n, plan = case
    rows, valid = _batches(n, plan)
    assert rows.shape == (
        sampling.num_batches(n, plan["batch_size"]),
        plan["batch_size"],
    )
    assert valid[:-1].all()
    assert valid[-1, 0]
    assert (np.diff(valid[-1].astype(int)) <= 0).all()


def test_a_batch_larger_than_the_data_repeats_it_in_order():
    rows, valid = sampling.batches(np.arange(3), 8)
    assert rows.tolist() == [[0, 1, 2, 0, 1, 2, 0, 1]]
    assert valid.tolist() == [[True] * 3 + [False] * 5]


def test_the_order_is_the_same_on_every_machine_and_version():
    assert sampling.epoch_order(8, seed=3, epoch=5).tolist() == [5, 7, 6, 1, 4, 2, 0, 3]


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = {
        tuple(sampling.epoch_order(50, seed=seed, epoch=epoch))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


def test_every_position_is_equally_likely():
    first = [sampling.epoch_order(4, seed=7, epoch=epoch)[0] for epoch in range(4000)]
    # 1000 each; the standard deviation of a count is 27.
    assert np.abs(np.bincount(first) - 1000).max() < 110


def test_a_batch_that_workers_can_not_share_is_refused():
    with pytest.raises(ValueError, match="batch_size=5, num_workers=2"):
        sampling.batches(np.arange(9), 5, num_workers=2)


_BUCKETS = st.tuples(
    st.lists(st.sampled_from([4, 8, 16]), min_size=1, max_size=80),
    st.integers(1, 9),
    st.integers(0, 2**31 - 1),
    st.integers(0, 10_000),
)


def _bucketed(case):
    lengths, batch_size, seed, epoch = case
    lengths = np.array(lengths)
    order = sampling.epoch_order(len(lengths), seed=seed, epoch=epoch)
    found = sampling.bucketed_order(
        order, lengths[order], batch_size, seed=seed, epoch=epoch
    )
    cuts = range(0, len(lengths), batch_size)
    return lengths, found, [found[first : first + batch_size] for first in cuts]


@hypothesis.given(_BUCKETS)
def test_each_example_is_once_in_an_order_of_buckets(case):
    lengths, found, _ = _bucketed(case)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(np.sort(found), np.arange(len(lengths)))


@hypothesis.given(_BUCKETS)
def test_batches_have_one_length_but_for_what_is_left_of_each(case):
    lengths, found, batches = _bucketed(case)
    batch_size = case[1]
    assert len(batches) == sampling.num_batches(len(lengths), batch_size)
    full = [lengths[batch] for batch in batches if len(batch) == batch_size]
    uniform = [int(one[0]) for one in full if len(set(one)) == 1]
    left = 0
    for length in set(lengths):
        whole, rest = divmod(int((lengths == length).sum()), batch_size)
        # What is left of several buckets may happen to have one length too.
        assert uniform.count(length) >= whole
        left += rest
    assert len(full) - len(uniform) <= left // batch_size
    # Of what is left the shorter ones come first.
    tail = lengths[found[len(full) * batch_size :]]
    assert (np.diff(tail) >= 0).all()


@hypothesis.given(_BUCKETS)
def test_an_order_of_buckets_follows_from_seed_and_epoch(case):
    _, first, _ = _bucketed(case)
    np.random.default_rng().random(3)
    _, second, _ = _bucketed(case)
    np.testing.assert_array_equal(first, second)


def test_epochs_and_seeds_take_the_batches_of_buckets_in_orders_of_their_own():
    order, lengths = np.arange(80), np.repeat([4, 8], 40)
    found = {
        tuple(sampling.bucketed_order(order, lengths, 4, seed=seed, epoch=epoch))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(found) == 9


@hypothesis.given(
    st.lists(st.integers(0, 40), max_size=20),
    st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_a_length_is_padded_to_the_smallest_boundary_that_it_fits_in(lengths, bounds):
    if max(lengths, default=0) > bounds[-1]:
        with pytest.raises(ValueError, match=f"more than the {bounds[-1]} that batch"):
            sampling.padded_lengths(np.array(lengths), bounds)
        return
    found = sampling.padded_lengths(np.array(lengths, np.int64), bounds)
    expected = [min(one for one in bounds if one >= length) for length in lengths]
    assert found.tolist() == expected
