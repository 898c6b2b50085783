"""The batches of an epoch as arrays: rows, labels, weights and keys. No TensorFlow."""

import dataclasses

import numpy as np

from kft import errors
from kft.data import examples as examples_lib
from kft.data import order

# Rows int64, labels int32, weights float32 [elements, b]; keys int64 [elements, b, 2].
Plan = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Share:
    """What of every global batch this worker takes.

    Attributes:
        batch_size: global.
        worker: this worker's index.
        num_workers: workers that share each global batch.
        replicas: devices of this worker; each takes an element of its own.

    Raises:
        errors.ConfigError: where the batch can not be shared out evenly.
    """

    batch_size: int
    worker: int
    num_workers: int
    replicas: int

    def __post_init__(self) -> None:
        devices = self.num_workers * self.replicas
        if self.batch_size % devices:
            lower = max(devices, self.batch_size - self.batch_size % devices)
            raise errors.ConfigError(
                f"--batch_size: expected a multiple of the {devices} devices that "
                f"share a batch, received {self.batch_size}. Use {lower}."
            )

    @property
    def rows(self) -> int:
        """Return how many rows of a global batch one device takes."""
        return self.batch_size // (self.num_workers * self.replicas)


def train_epoch(
    examples: examples_lib.Examples,
    share: Share,
    *,
    keys: np.ndarray,
    seed: int,
    epoch: int,
    first_row: int,
) -> Plan:
    """Return the shuffled batches of an epoch, with weights that sum to 1 over each.

    Args:
        examples: the training split.
        share: what this worker takes.
        keys: int64 [n, 2], one for each example.
        seed: of the order.
        epoch: counts from 0.
        first_row: what is added to every row.
    """
    positions, valid = _positions(examples, share, seed=seed, epoch=epoch, shuffle=True)
    counts = np.full(len(positions), share.batch_size)
    counts[-1] = len(examples) - (len(positions) - 1) * share.batch_size
    weights = valid / counts[:, None]
    rows, labels, weights, keys = _elements(examples, share, positions, weights, keys)
    return rows + first_row, labels, weights, keys


def eval_epoch(
    examples: examples_lib.Examples, share: Share, *, keys: np.ndarray
) -> Plan:
    """Return the batches in the order of the examples, with weights of 1 and 0."""
    positions, valid = _positions(examples, share, seed=0, epoch=0, shuffle=False)
    return _elements(examples, share, positions, valid, keys)


def _positions(
    examples: examples_lib.Examples,
    share: Share,
    *,
    seed: int,
    epoch: int,
    shuffle: bool,
) -> tuple[np.ndarray, np.ndarray]:
    return order.epoch_batches(
        len(examples),
        batch_size=share.batch_size,
        seed=seed,
        epoch=epoch,
        shuffle=shuffle,
        worker=share.worker,
        num_workers=share.num_workers,
    )


def _elements(
    examples: examples_lib.Examples,
    share: Share,
    positions: np.ndarray,
    weights: np.ndarray,
    keys: np.ndarray,
) -> Plan:
    """Cut the batches of the worker into the elements of its devices."""
    positions = positions.reshape(-1, share.rows)
    return (
        examples.rows[positions].astype(np.int64),
        examples.labels[positions].astype(np.int32),
        weights.reshape(-1, share.rows).astype(np.float32),
        keys[positions],
    )
