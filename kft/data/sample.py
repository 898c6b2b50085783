"""A few examples in memory, as the network sees them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data import bad_examples, dataset_options, sampling
from kft.data.examples import NO_KEY, Examples
from kft.data.pipeline import Preprocess
from kft.data.ragged import Ragged


def spread(examples: Examples, count: int) -> Examples:
    """Return up to `count` examples, evenly spread over all, the first and last too."""
    positions = np.linspace(0, len(examples) - 1, min(count, len(examples)))
    return examples.take(positions.round().astype(np.int64))


def payloads(examples: Examples) -> tuple[bytes, ...]:
    """Return the encoded examples, as they are stored.

    Raises:
        tf.errors.OpError: where one cannot be read.
    """
    return tuple(examples.read(tf.constant(examples.rows)).numpy())


def readable(examples: Examples) -> Iterator[bytes]:
    """Yield each encoded example, empty where it cannot be read."""
    for row in examples.rows:
        try:
            yield examples.read(tf.constant([row])).numpy()[0]
        except tf.errors.OpError:
            yield b""


def load(
    examples: Examples, preprocess: Preprocess, *, keys: np.ndarray | None = None
) -> list[Any]:
    """Return the input of each example, at its own length; `stack` makes a batch.

    Args:
        examples: as `preprocess` reads them (`Inputs.prepare`).
        preprocess: what turns a payload into an input.
        keys: int64 [n, 2], what it gets; `NO_KEY` by default.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    if keys is None:
        keys = np.tile(NO_KEY, [len(examples), 1])
    try:
        stored = examples.read(tf.constant(examples.rows))
        inputs = tf.data.Dataset.from_tensor_slices((stored, keys)).map(
            preprocess, num_parallel_calls=tf.data.AUTOTUNE
        )
        steady = dataset_options.without_autotuning(inputs)
        return list(steady.as_numpy_iterator())
    except tf.errors.OpError as error:
        raise bad_examples.explain_failure(error, [examples], preprocess) from error


def stack(inputs: Sequence[Any], spec: Any, boundaries: Sequence[int] = ()) -> Any:
    """Return inputs as one batch, [n, ...], filled up with zeros like those of a run.

    Args:
        inputs: at least one, each without the batch.
        spec: a tf.TensorSpec for each tensor of one; a first axis of None is its steps.
        boundaries: lengths to fill up to, ascending; () fills up to the longest.

    Raises:
        ValueError: for an input that is longer than the last of the boundaries.
    """

    def join(one: tf.TensorSpec, *rows: np.ndarray) -> np.ndarray:
        if not has_steps(one):
            return np.stack(rows)
        ragged = Ragged.from_rows(rows)
        length = padded_length(ragged.lengths.max(), boundaries)
        return ragged.padded(np.arange(len(rows)), length)

    return tf.nest.map_structure(join, spec, *inputs)


def padded_length(longest: int, boundaries: Sequence[int]) -> int:
    """Return the length of a batch whose longest input has that many steps.

    Args:
        longest: steps of that input.
        boundaries: lengths to fill up to, ascending; () fills up to the longest.

    Raises:
        ValueError: where it is longer than the last of the boundaries.
    """
    if not boundaries:
        return int(longest)
    return int(sampling.padded_lengths(np.array([longest]), boundaries)[0])


def has_steps(spec: tf.TensorSpec) -> bool:
    """Return whether the first axis of an input is its steps."""
    return spec.shape.rank > 0 and spec.shape[0] is None
