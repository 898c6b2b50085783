"""Where features go is arithmetic on sizes."""

import dataclasses

import pytest

from kft.training.feature_cache import placement
from kft.training.feature_cache.placement import CacheRequest, FreeSpace

ROOM = FreeSpace(memory=1000, disk=10_000)
SMALL = CacheRequest("head", bytes=100, epochs=10)
LARGE = CacheRequest("block", bytes=450, epochs=10)


def places(*needs, mode="auto", room=ROOM, augmented=False, views=None):
    chosen = placement.choose(
        needs, mode=mode, room=room, augmented=augmented, views=views
    )
    return [choice.where for choice in chosen]


def test_memory_comes_first_and_the_smallest_features_first():
    # Half of the free memory may be taken: 100 and then 400 of 450.
    assert places(LARGE, SMALL) == ["disk", "memory"]
    assert places(SMALL) == ["memory"]


def test_what_fits_nowhere_runs_live_and_says_so():
    tight = FreeSpace(memory=10, disk=10)
    (choice,) = placement.choose(
        [SMALL], mode="auto", room=tight, augmented=False, views=None
    )
    assert choice.where is None
    assert choice.reason == "100 B do not fit in memory or on disk"


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_a_named_place_is_taken_whatever_is_free(mode):
    assert places(SMALL, mode=mode, room=FreeSpace(0, 0)) == [mode]


def test_off_caches_nothing():
    assert places(SMALL, LARGE, mode="off") == [None, None]


def test_augmented_examples_are_cached_only_as_views():
    assert places(SMALL, augmented=True) == [None]
    assert places(SMALL, augmented=True, views=2) == ["memory"]


def test_a_single_epoch_has_nothing_to_save():
    once = CacheRequest("head", bytes=1, epochs=1)
    assert places(once) == [None]
    assert places(once, mode="memory") == ["memory"]


def test_savings_are_the_passes_that_do_not_run():
    chosen = placement.choose(
        [SMALL, LARGE], mode="memory", room=ROOM, augmented=False, views=None
    )
    saved = placement.saved_seconds(
        chosen, examples=100, views=1, seconds_per_example=0.01
    )
    assert saved == pytest.approx((10 + 10 - 1) * 100 * 0.01)


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (20_800_000, "20.8 MB"), (1.5e12, "1.5 TB")]
)
def test_sizes_read_well(count, text):
    assert placement.format_bytes(count) == text


def test_what_is_on_disk_already_takes_no_more_of_it():
    tight = FreeSpace(memory=10, disk=10)
    stored = dataclasses.replace(LARGE, is_stored=True)
    for needs, where in (([stored], ["disk"]), ([LARGE], [None])):
        chosen = placement.choose(
            needs, mode="auto", room=tight, augmented=False, views=None, shared=True
        )
        assert [choice.where for choice in chosen] == where


def test_what_other_runs_share_goes_to_disk_even_for_a_single_epoch():
    once = CacheRequest("head", bytes=100, epochs=1)
    chosen = placement.choose(
        [once], mode="auto", room=ROOM, augmented=False, views=None, shared=True
    )
    assert [choice.where for choice in chosen] == ["disk"]
    full = FreeSpace(memory=1000, disk=10)
    chosen = placement.choose(
        [SMALL], mode="auto", room=full, augmented=False, views=None, shared=True
    )
    assert [choice.where for choice in chosen] == ["memory"]
