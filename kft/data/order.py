"""Which examples make up which batch: a pure function of (n, batch_size, seed, epoch).

Resuming in the middle of an epoch, several workers and cached features all rest on it.
"""

import numpy as np


def epoch_order(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return a permutation of range(n), int64 [n].

    It sorts the raw output of Philox, whose stream NumPy promises never to change, as
    it does not for `Generator.permutation`.
    """
    bits = np.random.Philox(key=(seed << 64) | epoch).random_raw(n)
    return np.argsort(bits, kind="stable").astype(np.int64)


def num_batches(n: int, batch_size: int) -> int:
    """Return how many batches an epoch has, the last partial one included."""
    return -(-n // batch_size)


def epoch_batches(
    n: int,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    shuffle: bool,
    worker: int = 0,
    num_workers: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the batches of one worker in one epoch.

    The epoch's order is cut into global batches; the last one is filled up with the
    first examples of the same order, cyclically, which are not valid. Worker w takes
    the w-th part of every global batch.

    Args:
        n: number of examples, at least 1.
        batch_size: examples in a global batch, a multiple of `num_workers`.
        seed: seed of the run.
        epoch: counts from 0.
        shuffle: False for 0, 1, 2, ...
        worker: in [0, num_workers).
        num_workers: parts of a global batch.

    Returns:
        Positions, int64, and whether they are valid, bool, both of shape
        [num_batches, batch_size // num_workers]. Over all workers and batches of an
        epoch, each example is valid exactly once.

    Raises:
        ValueError: for sizes that do not fit together.
    """
    if n < 1 or batch_size < 1 or batch_size % num_workers:
        raise ValueError(
            f"expected examples and a batch size that is a multiple of the workers, "
            f"received n={n}, batch_size={batch_size}, num_workers={num_workers}"
        )
    order = epoch_order(n, seed=seed, epoch=epoch) if shuffle else np.arange(n)
    total = num_batches(n, batch_size) * batch_size
    positions = np.resize(order, total).astype(np.int64)
    valid = np.arange(total) < n
    part = batch_size // num_workers
    mine = slice(worker * part, (worker + 1) * part)
    return (
        positions.reshape(-1, batch_size)[:, mine],
        valid.reshape(-1, batch_size)[:, mine],
    )
