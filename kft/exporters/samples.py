"""A few examples, as they are stored and as the network sees them."""

import dataclasses

import numpy as np
import tensorflow as tf

from kft.data import bad_examples
from kft.data.examples import Examples
from kft.evaluation.load_run import LoadedRun


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Images in memory.

    Attributes:
        payloads: encoded, n of them.
        images: uint8 [n, size, size, 3], inputs of the network.
    """

    payloads: tuple[bytes, ...]
    images: np.ndarray


def spread(examples: Examples, count: int) -> Examples:
    """Return up to `count` examples, evenly spread over all, the first and last too."""
    positions = np.linspace(0, len(examples) - 1, min(count, len(examples)))
    return examples.take(positions.round().astype(np.int64))


def load(run: LoadedRun, examples: Examples) -> Images:
    """Return the images of examples.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    preprocess = run.task.inputs.preprocess(training=False)
    no_key = tf.zeros([2], tf.int64)
    try:
        payloads = examples.read(tf.constant(examples.rows)).numpy()
        images = tf.data.Dataset.from_tensor_slices(payloads).map(
            lambda payload: preprocess(payload, no_key),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return Images(tuple(payloads), np.stack(list(images.as_numpy_iterator())))
    except tf.errors.OpError as error:
        raise bad_examples.explain_failure(error, [examples], preprocess) from error
