"""tf.data pipelines that are driven by rows, whatever an example is.

What a batch holds is decided in NumPy (`epoch_plan`), before anything is read. A
pipeline then reads the payloads of a batch at once, and turns each into an input in
parallel, in a fixed order. Every shape is static, but for the steps of inputs of
different length: these are padded with zeros to the length that the plan says.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kft.data import dataset_options, epoch_plan, label_arrays, splits
from kft.data import examples as examples_lib
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare

# Maps the payload of one example (tf.string []) and its key (int64 [2], a seed for
# stateless random ops) to the input of the network: a tensor, or a dict of tensors.
# A first axis of unknown size is the steps of an input of no fixed length.
Preprocess = Callable[[tf.Tensor, tf.Tensor], Any]


@dataclasses.dataclass(frozen=True)
class Stored:
    """Inputs that are ready, such as stored outputs of a trunk.

    Attributes:
        read: rows int64 [k], and the length int64 [] that inputs of different length
            are padded to -> inputs of the network, [k, ...] each.
    """

    read: Callable[[tf.Tensor, tf.Tensor], Any]


class TaughtLabels(NamedTuple):
    """The labels of a batch, where a teacher has its say besides them.

    Attributes:
        labels: as they are without one.
        taught: float32 [b, classes], what the teacher says of each example; of mixed
            ones mixed as their labels are.
    """

    labels: tf.Tensor
    taught: tf.Tensor


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


def traced(preprocess: Preprocess) -> Preprocess:
    """Return the function as a graph that pipelines share: traced at first use."""
    signature = (tf.TensorSpec([], tf.string), tf.TensorSpec([2], tf.int64))
    graph: Preprocess = tf.function(preprocess, input_signature=signature)
    return graph


def train_batches(
    examples: examples_lib.Examples,
    source: Preprocess | Stored,
    *,
    share: BatchShare,
    sampling: epoch_plan.SamplingConfig,
    span: Span,
) -> tf.data.Dataset:
    """Return the training batches of this worker over all remaining epochs.

    Elements are (inputs [b, ...], labels [b, ...], weights float32 [b]) with b =
    `share.rows`: `share.replicas` elements in a row make up one step of the worker. The
    weights are 1 / (number of examples in the global batch), so that they sum to 1 over
    it, times the weight of the class, and 0 for rows that only fill up the last batch
    of an epoch. Labels are as `Examples` has them, those of different length filled up
    with `label_arrays.NO_LABEL`; with `sampling.mix` they are the shares of the
    classes, float32 [b, classes]; with `sampling.taught` they are `TaughtLabels`.

    The key of an example is a pure function of (seed, epoch, example id, and how often
    it was drawn in the epoch before).

    Args:
        examples: the training split.
        source: what turns a payload into an input, or inputs that are ready.
        share: what this worker takes of each global batch.
        sampling: how the examples are drawn, weighted and mixed.
        span: from where to where.

    Raises:
        errors.ConfigError: where a device would have half a pair of a mix.
    """
    if sampling.mix:
        epoch_plan.others(share.rows)
    keys_of = example_keys(examples, seed=sampling.seed)

    def plan_epoch(epoch: np.ndarray) -> epoch_plan.EpochPlan:
        keys, number = keys_of(int(epoch)), int(epoch)
        return epoch_plan.train_epoch(
            examples, share, sampling, keys=keys, epoch=number
        )

    epochs = tf.data.Dataset.range(span.first_epoch, span.epochs)
    signature = _signature(examples, share.rows, sampling)
    elements = _elements(epochs, plan_epoch, signature)
    remaining = elements.skip(span.first_batch * share.replicas)
    return _batches(remaining, examples, source, sampling=sampling)


def eval_batches(
    examples: examples_lib.Examples,
    source: Preprocess | Stored,
    *,
    share: BatchShare,
    keys: np.ndarray | None = None,
    boundaries: Sequence[int] = (),
) -> tf.data.Dataset:
    """Return one pass over the examples, in the order of `epoch_plan.eval_order`.

    As `train_batches`, but weights are 1 for examples and 0 for rows that only fill up
    the last batch. Iterating again traces nothing again.

    Args:
        examples: of any split.
        source: see `train_batches`.
        share: what this worker takes of each global batch.
        keys: int64 [n, 2], what `preprocess` gets; 0 by default.
        boundaries: lengths that batches are padded to; () for inputs of one shape.
    """
    if keys is None:
        keys = np.zeros([len(examples), 2], dtype=np.int64)
    # Planned here and now, so that another pass plans nothing again.
    planned = epoch_plan.eval_epoch(examples, share, keys=keys, boundaries=boundaries)
    elements = tf.data.Dataset.from_tensor_slices(planned)
    plain = epoch_plan.SamplingConfig(seed=0, boundaries=boundaries)
    return _batches(elements, examples, source, sampling=plain)


def example_keys(
    examples: examples_lib.Examples, *, seed: int
) -> Callable[[int], np.ndarray]:
    """Return the function from an epoch to the key of each example, int64 [n, 2]."""
    id_hashes = splits.hash_ids(examples.ids).view(np.int64)

    def keys(epoch: int) -> np.ndarray:
        run = np.int64((seed << 32) | epoch)
        return np.stack(np.broadcast_arrays(run, id_hashes), axis=-1)

    return keys


def _signature(
    examples: examples_lib.Examples, rows: int, sampling: epoch_plan.SamplingConfig
) -> epoch_plan.EpochPlan:
    """Return shapes and types of an element's plan."""
    labels = examples.labels
    of_labels = tf.TensorSpec([rows], tf.int64)
    if not isinstance(labels, Ragged):
        of_labels = tf.TensorSpec([rows, *labels.shape[1:]], labels.dtype)
    width = sampling.mix.width if sampling.mix else 1
    return epoch_plan.EpochPlan(
        rows=tf.TensorSpec([rows], tf.int64),
        positions=tf.TensorSpec([rows], tf.int64),
        labels=of_labels,
        weights=tf.TensorSpec([rows], tf.float32),
        keys=tf.TensorSpec([rows, 2], tf.int64),
        shares=tf.TensorSpec([rows], tf.float32),
        mixing=tf.TensorSpec([rows, width], tf.float32),
        lengths=tf.TensorSpec([rows], tf.int64),
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
    source: Preprocess | Stored,
    *,
    sampling: epoch_plan.SamplingConfig,
) -> tf.data.Dataset:
    """Return the batches that the elements plan."""
    is_padded = bool(sampling.boundaries)
    if isinstance(source, Stored):
        batches = elements.map(_read_inputs(source))
    else:
        batches = _make_inputs(elements, examples, source, is_padded=is_padded)
    if isinstance(examples.labels, Ragged):
        batches = batches.map(_read_labels(examples.labels))
    if sampling.taught is not None:
        batches = batches.map(_read_taught(sampling.taught))
    mix = sampling.mix
    batches = batches.map(_without_plan if mix is None else _mixed(mix))
    options = tf.data.Options()
    # Every worker takes its own rows already; sharding again would lose examples.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    ahead = batches.prefetch(tf.data.AUTOTUNE).with_options(options)
    return dataset_options.without_autotuning(ahead)


def _read_inputs(source: Stored) -> Callable[..., tuple[Any, ...]]:
    def read(planned: epoch_plan.EpochPlan) -> tuple[Any, epoch_plan.EpochPlan]:
        return source.read(planned.rows, planned.lengths[0]), planned

    return read


def _make_inputs(
    elements: tf.data.Dataset,
    examples: examples_lib.Examples,
    preprocess: Preprocess,
    *,
    is_padded: bool,
) -> tf.data.Dataset:
    def read(planned: epoch_plan.EpochPlan) -> tuple[Any, epoch_plan.EpochPlan]:
        return examples.read(planned.rows), planned

    def make_input(
        payload: tf.Tensor, planned: epoch_plan.EpochPlan
    ) -> tuple[Any, epoch_plan.EpochPlan]:
        made = preprocess(payload, planned.keys)
        if is_padded:
            made = tf.nest.map_structure(lambda x: _padded(x, planned.lengths), made)
        return made, planned

    parallel = tf.data.AUTOTUNE
    rows = elements.element_spec.rows.shape[0]
    return (
        elements.map(read, num_parallel_calls=parallel, deterministic=True)
        .unbatch()
        .map(make_input, num_parallel_calls=parallel, deterministic=True)
        .batch(rows, drop_remainder=True)
    )


def _padded(tensor: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Return a tensor of an input with zeros after its last step, if it has steps."""
    if tensor.shape.rank == 0 or tensor.shape[0] is not None:
        return tensor
    missing = tf.cast(length, tf.int32) - tf.shape(tensor)[0]
    ends = [[0, missing]] + [[0, 0]] * (tensor.shape.rank - 1)
    return tf.pad(tensor, ends)


def _read_labels(labels: Ragged) -> Callable[..., tuple[Any, ...]]:
    """Return what puts labels of different length in place of their positions."""

    def padded(positions: np.ndarray, length: np.ndarray) -> np.ndarray:
        longest = int(max(labels.lengths[positions].max(), length))
        return labels.padded(positions, longest, fill=label_arrays.NO_LABEL)

    def read(
        inputs: Any, planned: epoch_plan.EpochPlan
    ) -> tuple[Any, epoch_plan.EpochPlan]:
        positions = planned.labels
        found = tf.numpy_function(
            padded, [positions, planned.lengths[0]], labels.values.dtype, stateful=False
        )
        found.set_shape([positions.shape[0], None, *labels.values.shape[1:]])
        return inputs, planned._replace(labels=found)

    return read


def _read_taught(taught: np.ndarray) -> Callable[..., tuple[Any, ...]]:
    """Return what puts the answers of a teacher beside the labels."""

    def read(
        inputs: Any, planned: epoch_plan.EpochPlan
    ) -> tuple[Any, epoch_plan.EpochPlan]:
        positions = planned.positions
        found = tf.numpy_function(
            lambda rows: taught[rows], [positions], taught.dtype, stateful=False
        )
        found.set_shape([positions.shape[0], *taught.shape[1:]])
        labels: Any = TaughtLabels(planned.labels, found)
        return inputs, planned._replace(labels=labels)

    return read


def _without_plan(
    inputs: Any, planned: epoch_plan.EpochPlan
) -> tuple[Any, tf.Tensor, tf.Tensor]:
    return inputs, planned.labels, planned.weights


def _mixed(mix: epoch_plan.Mix) -> Callable[..., tuple[Any, ...]]:
    def mixed(
        inputs: Any, planned: epoch_plan.EpochPlan
    ) -> tuple[Any, tf.Tensor, tf.Tensor]:
        others = epoch_plan.others(planned.rows.shape[0])
        inputs = mix.apply(inputs, tf.gather(inputs, others), planned.mixing)
        shares = planned.shares[:, None]

        def mixed_targets(own: tf.Tensor) -> tf.Tensor:
            if not tf.as_dtype(own.dtype).is_floating:
                own = tf.one_hot(own, mix.num_classes)
            return shares * own + (1.0 - shares) * tf.gather(own, others)

        labels = tf.nest.map_structure(mixed_targets, planned.labels)
        return inputs, labels, planned.weights

    return mixed
