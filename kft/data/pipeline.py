"""tf.data pipelines that are driven by rows; they know nothing of what is in them.

What a batch holds is decided in NumPy (`plan`), before anything is read. A pipeline
then reads the payloads of a batch at once, and turns each into an input in parallel, in
a fixed order. Every shape is static.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data import epoch_plan, splits
from kft.data import examples as examples_lib
from kft.distribution.batch_sharing import BatchShare

# Maps the payload of one example (tf.string []) and its key (int64 [2], a seed for
# stateless random ops) to the input of the network, of static shape.
Preprocess = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """Which batches of a run: from one within an epoch to the end of another.

    Attributes:
        epochs: where to end, counted from 0.
        first_epoch: where to start; what lies before is not read.
        first_batch: global batch of `first_epoch` to start with.
    """

    epochs: int
    first_epoch: int = 0
    first_batch: int = 0


def train_batches(
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    *,
    share: BatchShare,
    recipe: epoch_plan.SamplingConfig,
    span: Span,
) -> tf.data.Dataset:
    """Return the training batches of this worker over all remaining epochs.

    Elements are (inputs [b, ...], labels int32 [b], weights float32 [b]) with b =
    `share.rows`: `share.replicas` elements in a row make up one step of the worker. The
    weights are 1 / (number of examples in the global batch), so that they sum to 1 over
    it, times the weight of the class, and 0 for rows that only fill up the last batch
    of an epoch. With `recipe.mix` the labels are the shares of the classes, float32
    [b, classes].

    The key of an example is a pure function of (seed, epoch, example id, and how often
    it was drawn in the epoch before).

    Args:
        examples: the training split.
        preprocess: what turns a payload into an input; None where `examples.read`
            gives the inputs of the network itself, [k, ...] each.
        share: what this worker takes of each global batch.
        recipe: how the examples are drawn, weighted and mixed.
        span: from where to where.

    Raises:
        errors.ConfigError: where a device would have half a pair of a mix.
    """
    if recipe.mix:
        epoch_plan.others(share.rows)
    keys_of = example_keys(examples, seed=recipe.seed)

    def plan_epoch(epoch: np.ndarray) -> epoch_plan.EpochPlan:
        keys, number = keys_of(int(epoch)), int(epoch)
        return epoch_plan.train_epoch(examples, share, recipe, keys=keys, epoch=number)

    width = recipe.mix.width if recipe.mix else 1
    epochs = tf.data.Dataset.range(span.first_epoch, span.epochs)
    elements = _elements(epochs, plan_epoch, _signature(share.rows, width))
    remaining = elements.skip(span.first_batch * share.replicas)
    return _batches(remaining, examples, preprocess, mix=recipe.mix)


def eval_batches(
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    *,
    share: BatchShare,
    keys: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return one pass over the examples in their own order.

    As `train_batches`, but weights are 1 for examples and 0 for rows that only fill up
    the last batch. Iterating again traces nothing again.

    Args:
        examples: of any split.
        preprocess: see `train_batches`.
        share: what this worker takes of each global batch.
        keys: int64 [n, 2], what `preprocess` gets; 0 by default.
    """
    if keys is None:
        keys = np.zeros([len(examples), 2], dtype=np.int64)
    # Planned here and now, so that another pass plans nothing again.
    planned = epoch_plan.eval_epoch(examples, share, keys=keys)
    elements = tf.data.Dataset.from_tensor_slices(planned)
    return _batches(elements, examples, preprocess)


def example_keys(
    examples: examples_lib.Examples, *, seed: int
) -> Callable[[int], np.ndarray]:
    """Return the function from an epoch to the key of each example, int64 [n, 2]."""
    id_hashes = splits.hash_ids(examples.ids).view(np.int64)

    def keys(epoch: int) -> np.ndarray:
        run = np.int64((seed << 32) | epoch)
        return np.stack(np.broadcast_arrays(run, id_hashes), axis=-1)

    return keys


def _signature(rows: int, width: int) -> epoch_plan.EpochPlan:
    """Return shapes and types of an element's plan."""
    return epoch_plan.EpochPlan(
        rows=tf.TensorSpec([rows], tf.int64),
        labels=tf.TensorSpec([rows], tf.int32),
        weights=tf.TensorSpec([rows], tf.float32),
        keys=tf.TensorSpec([rows, 2], tf.int64),
        shares=tf.TensorSpec([rows], tf.float32),
        mixing=tf.TensorSpec([rows, width], tf.float32),
    )


def _elements(
    epochs: tf.data.Dataset,
    plan_epoch: Callable[[np.ndarray], epoch_plan.EpochPlan],
    signature: epoch_plan.EpochPlan,
) -> tf.data.Dataset:
    """Return the plan of each batch as a data set; nothing has been read yet."""

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        dtypes = [spec.dtype for spec in signature]
        columns = tf.numpy_function(plan_epoch, [epoch], dtypes)
        for column, spec in zip(columns, signature, strict=True):
            column.set_shape([None, *spec.shape])
        return tf.data.Dataset.from_tensor_slices(epoch_plan.EpochPlan(*columns))

    return epochs.flat_map(one_epoch)


def _batches(
    elements: tf.data.Dataset,
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    *,
    mix: epoch_plan.Mix | None = None,
) -> tf.data.Dataset:
    """Return the batches that the elements plan."""
    if preprocess is None:
        batches = elements.map(_read_inputs(examples))
    else:
        batches = _make_inputs(elements, examples, preprocess)
    batches = batches.map(_without_plan if mix is None else _mixed(mix))
    options = tf.data.Options()
    # Every worker takes its own rows already; sharding again would lose examples.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _read_inputs(examples: examples_lib.Examples) -> Callable[..., tuple]:
    def read(planned: epoch_plan.EpochPlan) -> tuple[Any, epoch_plan.EpochPlan]:
        return examples.read(planned.rows), planned

    return read


def _make_inputs(
    elements: tf.data.Dataset,
    examples: examples_lib.Examples,
    preprocess: Preprocess,
) -> tf.data.Dataset:
    def make_input(
        payload: tf.Tensor, planned: epoch_plan.EpochPlan
    ) -> tuple[tf.Tensor, epoch_plan.EpochPlan]:
        return preprocess(payload, planned.keys), planned

    parallel = tf.data.AUTOTUNE
    rows = elements.element_spec.rows.shape[0]
    return (
        elements.map(
            _read_inputs(examples), num_parallel_calls=parallel, deterministic=True
        )
        .unbatch()
        .map(make_input, num_parallel_calls=parallel, deterministic=True)
        .batch(rows, drop_remainder=True)
    )


def _without_plan(
    inputs: Any, planned: epoch_plan.EpochPlan
) -> tuple[Any, tf.Tensor, tf.Tensor]:
    return inputs, planned.labels, planned.weights


def _mixed(mix: epoch_plan.Mix) -> Callable[..., tuple]:
    def mixed(
        inputs: Any, planned: epoch_plan.EpochPlan
    ) -> tuple[Any, tf.Tensor, tf.Tensor]:
        others = epoch_plan.others(planned.rows.shape[0])
        inputs = mix.apply(inputs, tf.gather(inputs, others), planned.mixing)
        own = tf.one_hot(planned.labels, mix.num_classes)
        shares = planned.shares[:, None]
        labels = shares * own + (1.0 - shares) * tf.gather(own, others)
        return inputs, labels, planned.weights

    return mixed
