"""The order of the examples of an epoch, by (n, batch_size, seed, epoch) and no more.

Resuming in the middle of an epoch, several workers and cached features all rest on it.
"""

from collections.abc import Sequence

import numpy as np

# Seeds of runs have 31 bits; orders of batches are drawn with one above them.
_OF_BATCHES = 1 << 31


def epoch_order(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return a permutation of range(n), int64 [n].

    It sorts the raw output of Philox, whose stream NumPy promises never to change, as
    it does not for `Generator.permutation`.
    """
    bits = np.random.Philox(key=(seed << 64) | epoch).random_raw(n)
    return np.argsort(bits, kind="stable").astype(np.int64)


def balanced_order(labels: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
    """Return the positions that an epoch draws when all classes are to be equal.

    The classes take turns: draw g of the run, counted over all epochs, is of class
    g mod k. Each class deals its examples out in a random order, and in a new one when
    all have been dealt. So in an epoch the counts of two classes differ by 1 at most,
    and over the run no example of a class comes twice more often than another of it.

    Args:
        labels: int32 [n]; classes without an example take no turns.
        seed: of the run, in [0, 2**31).
        epoch: counts from 0.

    Returns:
        int64 [n], in a random order; examples of rare classes come several times.
    """
    n = len(labels)
    classes = np.unique(labels)
    draws = epoch * n + np.arange(n)
    drawn = np.empty(n, np.int64)
    for rank, label in enumerate(classes):
        members = np.flatnonzero(labels == label)
        # Orders of its own for each class: the seed of the run has 31 bits.
        own_seed = seed | (int(label) + 1) << 32
        turns = draws % len(classes) == rank
        passes, places = np.divmod(draws[turns] // len(classes), len(members))
        dealt = np.empty(len(places), np.int64)
        for number in np.unique(passes):
            deal = epoch_order(len(members), seed=own_seed, epoch=int(number))
            dealt[passes == number] = members[deal[places[passes == number]]]
        drawn[turns] = dealt
    shuffled: np.ndarray = drawn[epoch_order(n, seed=seed, epoch=epoch)]
    return shuffled


def bucketed_order(
    order: np.ndarray, lengths: np.ndarray, batch_size: int, *, seed: int, epoch: int
) -> np.ndarray:
    """Return an order whose batches hold examples of similar length, int64 [n].

    Each bucket is dealt out in the given order as far as it fills batches; what is left
    of all buckets, the shorter ones first, makes the last batches. So there are as many
    batches as ever, and only the last is partial. The full ones come in a random order.

    Args:
        order: what an epoch draws, in a random order.
        lengths: of what is drawn, [n], as they are padded: equal within a bucket.
        batch_size: examples in a global batch.
        seed: of the run.
        epoch: counts from 0.
    """
    full, rest = [], []
    for length in np.unique(lengths):
        members = order[lengths == length]
        whole = len(members) - len(members) % batch_size
        full.append(members[:whole])
        rest.append(members[whole:])
    left = np.concatenate(rest)
    whole = len(left) - len(left) % batch_size
    grouped = np.concatenate([*full, left[:whole]]).reshape(-1, batch_size)
    # Another order than that of the examples, so that both are independent.
    shuffle = epoch_order(len(grouped), seed=seed | _OF_BATCHES, epoch=epoch)
    return np.concatenate([grouped[shuffle].reshape(-1), left[whole:]])


def padded_lengths(lengths: np.ndarray, boundaries: Sequence[int]) -> np.ndarray:
    """Return the smallest boundary that each length fits in, int64 [n].

    Args:
        lengths: of inputs, [n].
        boundaries: ascending.

    Raises:
        ValueError: for a length above the last boundary.
    """
    places = np.searchsorted(boundaries, lengths)
    if len(lengths) and places.max() == len(boundaries):
        raise ValueError(
            f"an input has {lengths.max()} steps, more than the {boundaries[-1]} that "
            "batches have room for"
        )
    return np.asarray(boundaries, np.int64)[places]


def occurrences(values: np.ndarray) -> np.ndarray:
    """Return how often each value came before in the array, int64 [n]."""
    by_value = np.argsort(values, kind="stable")
    ordered = values[by_value]
    starts = np.searchsorted(ordered, ordered)
    counts = np.empty(len(values), np.int64)
    counts[by_value] = np.arange(len(values)) - starts
    return counts


def num_batches(n: int, batch_size: int) -> int:
    """Return how many batches an epoch has, the last partial one included."""
    return -(-n // batch_size)


def batches(
    order: np.ndarray, batch_size: int, *, worker: int = 0, num_workers: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the batches of one worker in one epoch.

    The order is cut into global batches; the last one is filled up with the first of
    the same order, cyclically, which are not valid. Worker w takes the w-th part of
    every global batch.

    Args:
        order: what the epoch sees in turn, int64 [n], at least one.
        batch_size: examples in a global batch, a multiple of `num_workers`.
        worker: in [0, num_workers).
        num_workers: parts of a global batch.

    Returns:
        Values of `order`, and whether they are valid, bool, both of shape
        [num_batches, batch_size // num_workers]. Over all workers and batches of an
        epoch, each value is valid as often as it is in the order.

    Raises:
        ValueError: for sizes that do not fit together.
    """
    n = len(order)
    if n < 1 or batch_size < 1 or batch_size % num_workers:
        raise ValueError(
            f"expected examples and a batch size that is a multiple of the workers, "
            f"received n={n}, batch_size={batch_size}, num_workers={num_workers}"
        )
    total = num_batches(n, batch_size) * batch_size
    part = batch_size // num_workers
    mine = slice(worker * part, (worker + 1) * part)
    valid = np.arange(total) < n
    return (
        np.resize(order, total).reshape(-1, batch_size)[:, mine],
        valid.reshape(-1, batch_size)[:, mine],
    )
