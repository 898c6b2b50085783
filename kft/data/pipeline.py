"""tf.data pipelines that are driven by rows; they know nothing of pictures.

What a batch holds is decided in NumPy (`plan`), before anything is read. A pipeline
then reads the payloads of a batch at once, and turns each into an input in parallel, in
a fixed order. Every shape is static.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kft.data import examples as examples_lib
from kft.data import plan, splits

# Maps the payload of one example (tf.string []) and its key (int64 [2], a seed for
# stateless random ops) to the input of the network, of static shape.
Preprocess = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def train_batches(
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    first_batch: int = 0,
    views: int = 1,
    worker: int = 0,
    num_workers: int = 1,
    replicas: int = 1,
) -> tf.data.Dataset:
    """Return the training batches of this worker over all remaining epochs.

    Elements are (inputs [b, ...], labels int32 [b], weights float32 [b]) with b =
    batch_size / (num_workers * replicas): `replicas` elements in a row make up one step
    of the worker. The weights are 1 / (number of examples in the global batch), so that
    they sum to 1 over it, and 0 for rows that only fill up the last batch of an epoch.

    The key of an example is a pure function of (seed, epoch, example id).

    Args:
        examples: the training split.
        preprocess: what turns a payload into an input; None where `examples.read`
            gives the inputs of the network itself, [k, ...] each.
        batch_size: global.
        seed: of the order and the keys.
        epochs: where to end, counted from 0.
        first_epoch: where to start; what lies before is not read.
        first_batch: global batch of `first_epoch` to start with.
        views: inputs stored per example, used in turn; with n examples, view v of
            row r is row r + v * n.
        worker, num_workers, replicas: see `plan.Share`.

    Raises:
        errors.ConfigError: where the batch can not be shared out evenly.
    """
    share = plan.Share(
        batch_size=batch_size,
        worker=worker,
        num_workers=num_workers,
        replicas=replicas,
    )
    keys_of = example_keys(examples, seed=seed)

    def plan_epoch(epoch: np.ndarray) -> plan.Plan:
        return plan.train_epoch(
            examples,
            share,
            keys=keys_of(int(epoch)),
            seed=seed,
            epoch=int(epoch),
            first_row=int(epoch) % views * len(examples),
        )

    elements = _elements(tf.data.Dataset.range(first_epoch, epochs), plan_epoch)
    remaining = elements.skip(first_batch * replicas)
    return _batches(remaining, examples, preprocess, share.rows)


def eval_batches(
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    *,
    batch_size: int,
    worker: int = 0,
    num_workers: int = 1,
    replicas: int = 1,
    keys: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return one pass over the examples in their own order.

    As `train_batches`, but weights are 1 for examples and 0 for rows that only fill up
    the last batch. Iterating again traces nothing again.

    Args:
        keys: int64 [n, 2], what `preprocess` gets; 0 by default.
    """
    share = plan.Share(
        batch_size=batch_size,
        worker=worker,
        num_workers=num_workers,
        replicas=replicas,
    )
    if keys is None:
        keys = np.zeros([len(examples), 2], dtype=np.int64)
    # Planned here and now, so that another pass plans nothing again.
    planned = plan.eval_epoch(examples, share, keys=keys)
    elements = tf.data.Dataset.from_tensor_slices(planned)
    return _batches(elements, examples, preprocess, share.rows)


def example_keys(
    examples: examples_lib.Examples, *, seed: int
) -> Callable[[int], np.ndarray]:
    """Return the function from an epoch to the key of each example, int64 [n, 2]."""
    id_hashes = splits.hash_ids(examples.ids).view(np.int64)

    def keys(epoch: int) -> np.ndarray:
        run = np.int64((seed << 32) | epoch)
        return np.stack(np.broadcast_arrays(run, id_hashes), axis=-1)

    return keys


def _elements(
    epochs: tf.data.Dataset, plan_epoch: Callable[[np.ndarray], plan.Plan]
) -> tf.data.Dataset:
    """Return the plan of each batch as a data set; nothing has been read yet."""

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        planned = tf.numpy_function(
            plan_epoch, [epoch], [tf.int64, tf.int32, tf.float32, tf.int64]
        )
        return tf.data.Dataset.from_tensor_slices(tuple(planned))

    return epochs.flat_map(one_epoch)


def _batches(
    elements: tf.data.Dataset,
    examples: examples_lib.Examples,
    preprocess: Preprocess | None,
    rows: int,
) -> tf.data.Dataset:
    """Return the batches of `rows` examples that the elements plan."""
    if preprocess is None:
        batches = _read_inputs(elements, examples, rows)
    else:
        batches = _make_inputs(elements, examples, preprocess, rows)
    options = tf.data.Options()
    # Every worker takes its own rows already; sharding again would lose examples.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _read_inputs(
    elements: tf.data.Dataset, examples: examples_lib.Examples, rows: int
) -> tf.data.Dataset:
    def read(
        source_rows: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        del keys
        inputs = examples.read(tf.ensure_shape(source_rows, [rows]))
        return (
            inputs,
            tf.ensure_shape(labels, [rows]),
            tf.ensure_shape(weights, [rows]),
        )

    return elements.map(read)


def _make_inputs(
    elements: tf.data.Dataset,
    examples: examples_lib.Examples,
    preprocess: Preprocess,
    rows: int,
) -> tf.data.Dataset:
    def read(
        source_rows: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        payloads = examples.read(tf.ensure_shape(source_rows, [rows]))
        return (
            tf.ensure_shape(payloads, [rows]),
            tf.ensure_shape(labels, [rows]),
            tf.ensure_shape(weights, [rows]),
            tf.ensure_shape(keys, [rows, 2]),
        )

    def make_input(
        payload: tf.Tensor, label: tf.Tensor, weight: tf.Tensor, key: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        return preprocess(payload, key), label, weight

    parallel = tf.data.AUTOTUNE
    return (
        elements.map(read, num_parallel_calls=parallel, deterministic=True)
        .unbatch()
        .map(make_input, num_parallel_calls=parallel, deterministic=True)
        .batch(rows, drop_remainder=True)
    )
