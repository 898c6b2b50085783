"""Which batches can be shared out over devices."""

import pytest

from kft import errors
from kft.distribution import batch_sharing


@pytest.mark.parametrize(
    ("batch", "parts", "replicas", "fitting"),
    [
        (32, 1, 3, "30 or 33"),
        (2, 1, 3, "3"),
        (32, 4, None, None),
        (30, 4, None, "28 or 32"),
        (16, 4, 8, "32"),
        (40, 4, 8, "32 or 64"),
        (64, 4, 8, None),
    ],
)
def test_a_batch_that_can_not_be_shared_out_names_sizes_that_fit(
    batch, parts, replicas, fitting
):
    found = batch_sharing.problem(batch, parts, replicas=replicas)
    if fitting is None:
        assert found is None
    else:
        assert found.endswith(f"use --batch_size={fitting}.")
        for size in fitting.split(" or "):
            assert batch_sharing.problem(int(size), parts, replicas=replicas) is None


@pytest.mark.parametrize(
    ("batch", "parts", "replicas", "fitting"),
    [
        (33, 1, None, "32 or 34"),
        (36, 1, 4, "32 or 40"),
        (32, 3, 2, "24 or 36"),
        (32, 2, 4, None),
    ],
)
def test_mixing_takes_the_rows_of_each_device_in_pairs(batch, parts, replicas, fitting):
    found = batch_sharing.problem(batch, parts, replicas=replicas, in_pairs=True)
    assert (found is None) == (fitting is None)
    if fitting:
        assert found.endswith(
            f"the pairs that --augment mixes: use --batch_size={fitting}."
        )


@pytest.mark.parametrize("batch", [3, 6])
def test_a_share_of_a_batch_that_devices_can_not_share_is_refused_alike(batch):
    with pytest.raises(errors.ConfigError) as refused:
        batch_sharing.BatchShare(batch_size=batch, num_workers=2, replicas=2)
    assert str(refused.value) == batch_sharing.problem(batch, 1, replicas=4)
    assert batch_sharing.BatchShare(batch_size=8, num_workers=2, replicas=2).rows == 2
