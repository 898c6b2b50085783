"""The batches of an epoch as arrays: rows, labels, weights and keys. No TensorFlow."""

import dataclasses
import typing
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kft import errors
from kft.data import examples as examples_lib
from kft.data import label_arrays, sampling
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare

if typing.TYPE_CHECKING:
    import tensorflow as tf

# Odd, so that adding its multiples to a key of 64 bits gives another key each time.
_NEXT_DRAW = np.int64(0x1E3779B97F4A7C15)
# Keeps a sum of weights that are all 0 from being divided by.
_TINY = 1e-30


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
        class_weights: factor on the weight of an example, [classes], by its label, or
            the mean over its classes; None for 1.
        views: inputs stored per example, used in turn; with n examples, view v of row
            r is row r + v * n.
        mix: None for inputs of one example each.
        boundaries: lengths that batches are padded to, ascending; () for one shape.
        example_weights: how much each example counts in the loss, [n]; None for 1.
        taught: float32 [n, classes], what a teacher says of each example, which comes
            with its label; None without a teacher.
    """

    seed: int
    balanced: bool = False
    class_weights: np.ndarray | None = None
    views: int = 1
    mix: Mix | None = None
    boundaries: Sequence[int] = ()
    example_weights: np.ndarray | None = None
    taught: np.ndarray | None = None


class EpochPlan(NamedTuple):
    """The elements of an epoch, each a batch of b rows for one device.

    Attributes:
        rows: int64 [elements, b], where the examples are read.
        positions: int64 [elements, b], where they stand in `Examples`.
        labels: [elements, b, ...], what the rows of `Examples.labels` are; where these
            are of different length, int64 [elements, b], which rows they are.
        weights: float32 [elements, b].
        keys: int64 [elements, b, 2], seeds for what is random in an example.
        shares: float32 [elements, b], of the row's own label in its target; the rest
            is that of the other in its pair.
        mixing: float32 [elements, b, width of the mix], how it is mixed; without a mix
            a zero, for TensorFlow (2.21) crashes on slices of no bytes.
        lengths: int64 [elements, b], what the inputs are padded to, equal within a
            global batch; 0 where all have one shape.
    """

    rows: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    shares: np.ndarray
    mixing: np.ndarray
    lengths: np.ndarray


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
    config: SamplingConfig,
    *,
    keys: np.ndarray,
    epoch: int,
) -> EpochPlan:
    """Return the batches of an epoch in a random order.

    Without class weights the weights sum to 1 over each global batch; with them their
    sum is the mean class weight of its examples. A batch in which no example counts has
    weights of 0.

    Args:
        examples: the training split.
        share: what this worker takes.
        config: how the examples are drawn.
        keys: int64 [n, 2], one for each example; where an example is drawn again within
            the epoch, another key is made of it.
        epoch: counts from 0.
    """
    n = len(examples)
    drawn = _draw(examples, config, epoch, share.batch_size)
    again = sampling.occurrences(drawn)
    places, valid = _cut(np.arange(n), share)
    positions, again = drawn[places], again[places]
    keys = keys[positions]
    keys[..., 1] += again * _NEXT_DRAW
    weights = _weights(drawn, positions, valid, config, share)
    factors = np.ones(positions.shape)
    if config.class_weights is not None:
        factors = label_arrays.mean_of_classes(
            config.class_weights, _labels(examples, positions)
        )
    shares, mixing = np.ones(positions.shape), np.zeros((*positions.shape, 1))
    if config.mix is not None:
        own, mixing = config.mix.draw(keys)
        shares, factors = _mixed(own, factors, share)
    columns = EpochPlan(
        rows=examples.rows[positions] + (epoch + again) % config.views * n,
        positions=positions,
        labels=_labels(examples, positions),
        weights=weights * factors,
        keys=keys,
        shares=shares,
        mixing=mixing,
        lengths=_lengths(examples, drawn, share, config.boundaries),
    )
    return _plan(columns, share)


def _weights(
    drawn: np.ndarray,
    positions: np.ndarray,
    valid: np.ndarray,
    config: SamplingConfig,
    share: BatchShare,
) -> np.ndarray:
    """Return weights that sum to 1 over each global batch, [batches, rows]."""
    if config.example_weights is None:
        counts = np.full(len(valid), share.batch_size)
        counts[-1] = len(drawn) - (len(valid) - 1) * share.batch_size
        alike: np.ndarray = valid / counts[:, None]
        return alike
    # Over the rows of all workers, of which this one has a part.
    everybody, is_there = sampling.batches(drawn, share.batch_size)
    sums = (config.example_weights[everybody] * is_there).sum(axis=1, keepdims=True)
    weights: np.ndarray = (
        valid * config.example_weights[positions] / np.maximum(sums, _TINY)
    )
    return weights


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


def eval_order(
    examples: examples_lib.Examples, boundaries: Sequence[int]
) -> np.ndarray:
    """Return the order in which one pass takes the examples, int64 [n].

    It is their own where all have one shape; else the shorter ones come first.
    """
    if not boundaries:
        return np.arange(len(examples))
    lengths = sampling.padded_lengths(known_lengths(examples), boundaries)
    return np.argsort(lengths, kind="stable")


def eval_epoch(
    examples: examples_lib.Examples,
    share: BatchShare,
    *,
    keys: np.ndarray,
    boundaries: Sequence[int] = (),
) -> EpochPlan:
    """Return the batches in the order of `eval_order`, with weights of 1 and 0."""
    order = eval_order(examples, boundaries)
    positions, valid = _cut(order, share)
    columns = EpochPlan(
        rows=examples.rows[positions],
        positions=positions,
        labels=_labels(examples, positions),
        weights=valid,
        keys=keys[positions],
        shares=np.ones(valid.shape),
        mixing=np.zeros((*valid.shape, 1)),
        lengths=_lengths(examples, order, share, boundaries),
    )
    return _plan(columns, share)


def batch_lengths(
    examples: examples_lib.Examples,
    order: np.ndarray,
    batch_size: int,
    boundaries: Sequence[int],
) -> np.ndarray:
    """Return what each global batch is padded to, int64 [batches].

    Args:
        examples: of one split.
        order: in which the examples are taken, int64.
        batch_size: examples in a global batch.
        boundaries: lengths to pad to, ascending; () for inputs of one shape, whose
            batches have 0.
    """
    if not boundaries:
        return np.zeros(sampling.num_batches(len(order), batch_size), np.int64)
    positions, _ = sampling.batches(order, batch_size)
    longest = known_lengths(examples)[positions].max(axis=1)
    return sampling.padded_lengths(longest, boundaries)


def known_lengths(examples: examples_lib.Examples) -> np.ndarray:
    """Return the steps of each input, int64 [n].

    Raises:
        ValueError: where the examples do not say.
    """
    if examples.lengths is None:
        raise ValueError("batches are padded, and nothing says how long inputs are")
    return examples.lengths


def _lengths(
    examples: examples_lib.Examples,
    order: np.ndarray,
    share: BatchShare,
    boundaries: Sequence[int],
) -> np.ndarray:
    """Return what this worker's rows are padded to, int64 [batches, rows]."""
    lengths = batch_lengths(examples, order, share.batch_size, boundaries)
    return np.repeat(lengths[:, None], share.batch_size // share.num_workers, axis=1)


def _labels(examples: examples_lib.Examples, positions: np.ndarray) -> np.ndarray:
    if isinstance(examples.labels, Ragged):
        return positions
    labels: np.ndarray = examples.labels[positions]
    return labels


def _draw(
    examples: examples_lib.Examples,
    config: SamplingConfig,
    epoch: int,
    batch_size: int,
) -> np.ndarray:
    seed = config.seed
    if config.balanced:
        labels = label_arrays.require_one_class_each(
            examples.labels, "--sampling=balanced"
        )
        drawn = sampling.balanced_order(labels, seed=seed, epoch=epoch)
    else:
        drawn = sampling.epoch_order(len(examples), seed=seed, epoch=epoch)
    if not config.boundaries:
        return drawn
    steps = known_lengths(examples)[drawn]
    lengths = sampling.padded_lengths(steps, config.boundaries)
    return sampling.bucketed_order(drawn, lengths, batch_size, seed=seed, epoch=epoch)


def _cut(values: np.ndarray, share: BatchShare) -> tuple[np.ndarray, np.ndarray]:
    return sampling.batches(
        values, share.batch_size, worker=share.worker, num_workers=share.num_workers
    )


def _elements(column: np.ndarray, share: BatchShare) -> np.ndarray:
    """Cut the batches of the worker into the elements of its devices."""
    elements = column.shape[0] * column.shape[1] // share.rows
    return column.reshape(elements, share.rows, *column.shape[2:])


def _plan(columns: EpochPlan, share: BatchShare) -> EpochPlan:
    return EpochPlan(
        rows=_elements(columns.rows, share).astype(np.int64),
        positions=_elements(columns.positions, share).astype(np.int64),
        labels=_elements(columns.labels, share),
        weights=_elements(columns.weights, share).astype(np.float32),
        keys=_elements(columns.keys, share).astype(np.int64),
        shares=_elements(columns.shares, share).astype(np.float32),
        mixing=_elements(columns.mixing, share).astype(np.float32),
        lengths=_elements(columns.lengths, share).astype(np.int64),
    )
