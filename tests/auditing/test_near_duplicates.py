"""Groups of near hashes are those that comparing all with all finds."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.auditing import near_duplicates


def _all_with_all(hashes, most_bits):
    """Return the groups of two or more as sorted lists."""
    number = list(range(len(hashes)))
    for i, one in enumerate(hashes):
        for j, other in enumerate(hashes[:i]):
            if (int(one) ^ int(other)).bit_count() <= most_bits:
                number = [number[j] if n == number[i] else n for n in number]
    groups = {}
    for place, name in enumerate(number):
        groups.setdefault(name, []).append(place)
    return sorted(group for group in groups.values() if len(group) > 1)


def _groups(hashes, most_bits):
    found = near_duplicates.groups(np.array(hashes, dtype=np.uint64), most_bits)
    return [group.tolist() for group in found]


@st.composite
def _hashes(draw):
    """Few hashes, and others that differ from one of them in some bits."""
    hashes = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    for _ in range(draw(st.integers(0, 12))):
        changed = draw(st.sampled_from(hashes))
        for bit in draw(st.sets(st.integers(0, 63), max_size=10)):
            changed ^= 1 << bit
        hashes.append(changed)
    return hashes


@hypothesis.given(_hashes(), st.integers(0, 12))
def test_groups_are_those_of_comparing_all_with_all(hashes, most_bits):
    assert _groups(hashes, most_bits) == _all_with_all(hashes, most_bits)


@pytest.mark.parametrize("most_bits", [0, 1, 6, 12])
def test_the_limit_is_exact_wherever_the_bits_are(most_bits):
    rng = np.random.default_rng(most_bits)
    for _ in range(200):
        one = int(rng.integers(2**63))
        for bits, expected in ((most_bits, [[0, 1]]), (most_bits + 1, [])):
            mask = sum(1 << int(b) for b in rng.choice(64, bits, replace=False))
            assert _groups([one, one ^ mask], most_bits) == expected


def test_a_group_holds_what_is_near_to_a_member():
    chain = [0, 0b111, 0b111111, 0b111111111]
    assert _groups(chain, 3) == [[0, 1, 2, 3]]
    assert _groups(chain, 2) == []


def test_nothing_has_no_groups():
    assert _groups([], 6) == []
    assert _groups([7], 6) == []


def test_equal_keys_are_grouped_in_the_order_of_their_first():
    found = near_duplicates.same(np.array(["c", "a", "b", "c", "a", "c"]))
    assert [group.tolist() for group in found] == [[0, 3, 5], [1, 4]]
