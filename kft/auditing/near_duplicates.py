"""Groups of hashes that differ in few bits, without comparing all with all."""

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import sparse

_BITS = 64


def groups(hashes: np.ndarray, most_bits: int) -> list[np.ndarray]:
    """Return the positions of each group of hashes that are near each other.

    Two hashes are near when at most `most_bits` of their bits differ; a group also
    holds what is near to one of its members.

    Args:
        hashes: uint64 [n].
        most_bits: in [0, 63].

    Returns:
        Groups of two or more, each int64 [k] and sorted, in the order of their first
        members.
    """
    unique, which = np.unique(hashes, return_inverse=True)
    pairs = np.concatenate([np.zeros([2, 0], np.int64), *_pairs(unique, most_bits)], 1)
    return _members(_components(pairs, len(unique))[which])


def connected(pairs: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the positions of each group that pairs make, as `groups` does.

    Args:
        pairs: int64 [2, k], positions of what is near each other.
        count: of all positions.
    """
    return _members(_components(pairs, count))


def _components(pairs: np.ndarray, count: int) -> np.ndarray:
    """Return for each position the number of its group, int [count]."""
    ones = np.ones(pairs.shape[1], bool)
    graph = sparse.coo_array((ones, tuple(pairs)), (count, count))
    _, component = sparse.csgraph.connected_components(graph, directed=False)
    numbers: np.ndarray = component
    return numbers


def same(keys: np.ndarray) -> list[np.ndarray]:
    """Return the positions of each group of equal keys, as `groups` does."""
    return _members(np.unique(keys, return_inverse=True)[1])


def _members(group_numbers: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group_numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(group_numbers[order])) + 1
    found = [part for part in np.split(order, cuts) if len(part) > 1]
    return sorted(found, key=lambda part: part[0])


def _pairs(hashes: np.ndarray, most_bits: int) -> Iterator[np.ndarray]:
    """Yield int64 [2, k], pairs of near hashes; a pair may come several times.

    Of k + 1 pieces of the bits, two hashes that differ in k bits have one in common
    (the pigeonhole principle). So for each piece, only hashes that have it in common
    are compared: sorted by it they stand next to each other, and are compared with the
    next one, the one after that, and so on as far as any hash has such neighbors.
    """
    edges = np.linspace(0, _BITS, most_bits + 2).astype(int)
    for start, end in itertools.pairwise(edges):
        piece = (hashes << np.uint64(_BITS - end)) >> np.uint64(_BITS - end + start)
        order = np.argsort(piece, kind="stable")
        ordered, key = hashes[order], piece[order]
        last = np.searchsorted(key, key, side="right") - 1
        firsts, step = np.flatnonzero(last > np.arange(len(key))), 1
        while len(firsts):
            differing = np.bitwise_count(ordered[firsts] ^ ordered[firsts + step])
            near = firsts[differing <= most_bits]
            yield np.stack([order[near], order[near + step]])
            step += 1
            firsts = firsts[firsts + step <= last[firsts]]
