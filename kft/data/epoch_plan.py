"""The batches of an epoch as arrays: rows, labels, weights and keys. No TensorFlow."""

import dataclasses
import typing
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kft import errors
from kft.data import examples as examples_lib
from kft.data import sampling
from kft.distribution.batch_sharing import BatchShare

if typing.TYPE_CHECKING:
    import tensorflow as tf

# Odd, so that adding its multiples to a key of 64 bits gives another key each time.
_NEXT_DRAW = np.int64(0x1E3779B97F4A7C15)


@dataclasses.dataclass(frozen=True)
class Mix:
    """How the two examples of a pair become two mixed inputs with mixed labels.

    Rows 0 and 1 of a batch are a pair, 2 and 3, and so on; each is mixed with the other
    in its own way. The order of an epoch is random, so the pairs are; and a device that
    takes an even number of rows never has half a pair: the mixed inputs are the same
    however the batch is shared out.

    Attributes:
        num_classes: of the labels.
        width: numbers that say how a row is mixed.
        draw: from keys int64 [..., 2] to the share that the row keeps of its own label,
            [...] in [0, 1], and to the numbers, [..., width].
        apply: from inputs [b, ...], those of the others in the pairs, and the numbers,
            float32 [b, width], to the mixed inputs.
    """

    num_classes: int
    width: int
    draw: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    apply: Callable[["tf.Tensor", "tf.Tensor", "tf.Tensor"], "tf.Tensor"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How the training examples of an epoch are drawn, weighted and mixed.

    Attributes:
        seed: of the order and the keys.
        balanced: whether all classes are drawn equally often.
        class_weights: factor on the weight of an example, [classes], by its label; None
            for 1.
        views: inputs stored per example, used in turn; with n examples, view v of row
            r is row r + v * n.
        mix: None for inputs of one example each.
    """

    seed: int
    balanced: bool = False
    class_weights: np.ndarray | None = None
    views: int = 1
    mix: Mix | None = None


class EpochPlan(NamedTuple):
    """The elements of an epoch, each a batch of b rows for one device.

    Attributes:
        rows: int64 [elements, b], where the examples are read.
        labels: int32 [elements, b].
        weights: float32 [elements, b].
        keys: int64 [elements, b, 2], seeds for what is random in an example.
        shares: float32 [elements, b], of the row's own label in its target; the rest
            is that of the other in its pair.
        mixing: float32 [elements, b, width of the mix], how it is mixed; without a mix
            a zero, for TensorFlow (2.21) crashes on slices of no bytes.
    """

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    shares: np.ndarray
    mixing: np.ndarray


def others(rows: int) -> np.ndarray:
    """Return the position of the other in the pair of each row, int64 [rows].

    Raises:
        errors.ConfigError: for an odd number.
    """
    if rows % 2:
        raise errors.ConfigError(
            "--augment: mixup and cutmix take the examples of a device in pairs: "
            f"expected an even number of rows for each, received {rows}. Use a "
            "--batch_size that is a multiple of twice the number of devices."
        )
    return np.arange(rows) ^ 1


def train_epoch(
    examples: examples_lib.Examples,
    share: BatchShare,
    recipe: SamplingConfig,
    *,
    keys: np.ndarray,
    epoch: int,
) -> EpochPlan:
    """Return the batches of an epoch in a random order.

    Without class weights the weights sum to 1 over each global batch; with them their
    sum is the mean class weight of its examples.

    Args:
        examples: the training split.
        share: what this worker takes.
        recipe: how the examples are drawn.
        keys: int64 [n, 2], one for each example; where an example is drawn again within
            the epoch, another key is made of it.
        epoch: counts from 0.
    """
    n = len(examples)
    drawn = _draw(examples, recipe, epoch)
    again = sampling.occurrences(drawn)
    places, valid = _cut(np.arange(n), share)
    positions, again = drawn[places], again[places]
    counts = np.full(len(valid), share.batch_size)
    counts[-1] = n - (len(valid) - 1) * share.batch_size
    keys = keys[positions]
    keys[..., 1] += again * _NEXT_DRAW
    labels = examples.labels[positions]
    factors = np.ones(labels.shape)
    if recipe.class_weights is not None:
        factors = recipe.class_weights[labels]
    shares, mixing = np.ones(labels.shape), np.zeros((*labels.shape, 1))
    if recipe.mix is not None:
        own, mixing = recipe.mix.draw(keys)
        shares, factors = _mixed(own, factors, share)
    columns = (
        examples.rows[positions] + (epoch + again) % recipe.views * n,
        labels,
        valid / counts[:, None] * factors,
        keys,
        shares,
        mixing,
    )
    return _plan(columns, share)


def _mixed(
    own: np.ndarray, factors: np.ndarray, share: BatchShare
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares in the targets of mixed rows, and the factors on their weights.

    The loss of such a target times its weight is the mean of the losses of both labels,
    each with the weight of its class.

    Args:
        own: share of each row's own label, [batches, rows].
        factors: weights of the classes of these labels, likewise.
        share: how the rows are cut into those of the devices.
    """
    pairs = _elements(factors, share)[:, others(share.rows)]
    mixed = own * factors + (1 - own) * pairs.reshape(own.shape)
    return own * factors / mixed, mixed


def eval_epoch(
    examples: examples_lib.Examples, share: BatchShare, *, keys: np.ndarray
) -> EpochPlan:
    """Return the batches in the order of the examples, with weights of 1 and 0."""
    positions, valid = _cut(np.arange(len(examples)), share)
    columns = (
        examples.rows[positions],
        examples.labels[positions],
        valid,
        keys[positions],
        np.ones(valid.shape),
        np.zeros((*valid.shape, 1)),
    )
    return _plan(columns, share)


def _draw(
    examples: examples_lib.Examples, recipe: SamplingConfig, epoch: int
) -> np.ndarray:
    if recipe.balanced:
        return sampling.balanced_order(examples.labels, seed=recipe.seed, epoch=epoch)
    return sampling.epoch_order(len(examples), seed=recipe.seed, epoch=epoch)


def _cut(values: np.ndarray, share: BatchShare) -> tuple[np.ndarray, np.ndarray]:
    return sampling.batches(
        values, share.batch_size, worker=share.worker, num_workers=share.num_workers
    )


def _elements(column: np.ndarray, share: BatchShare) -> np.ndarray:
    """Cut the batches of the worker into the elements of its devices."""
    elements = column.shape[0] * column.shape[1] // share.rows
    return column.reshape(elements, share.rows, *column.shape[2:])


def _plan(columns: tuple[np.ndarray, ...], share: BatchShare) -> EpochPlan:
    dtypes = (np.int64, np.int32, np.float32, np.int64, np.float32, np.float32)
    return EpochPlan(
        *(
            _elements(column, share).astype(dtype)
            for column, dtype in zip(columns, dtypes, strict=True)
        )
    )
