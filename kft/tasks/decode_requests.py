"""Decoding of many requests in a graph, where a bad one must not harm the others."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kft.data import dataset_options


def decode_all(
    requests: tf.Tensor, decode: Callable[[tf.Tensor], Any], blank: Any
) -> tuple[Any, tf.Tensor]:
    """Return the inputs of a batch of requests, and which of them could be decoded.

    A TensorFlow graph cannot catch the error of an op, but its data sets can leave out
    the elements that fail. Inputs of different length are filled up with zeros.

    Args:
        requests: tf.string [n].
        decode: request, tf.string [] -> tensors of one input, by ops alone.
        blank: stands for what could not be decoded, of the shape that `decode` gives;
            where it has steps it may have none.

    Returns:
        Tensors [n, ...] and bool [n].
    """
    count = tf.size(requests, tf.int64)
    decoded = (
        tf.data.Dataset.from_tensor_slices((tf.range(count), requests))
        .map(
            lambda position, request: (position, decode(request)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .ignore_errors()
    )
    # The blank one at the end stands for all that failed, and a batch needs one.
    blanks = tf.data.Dataset.from_tensors((count, blank))
    shapes = tf.nest.map_structure(lambda spec: spec.shape, decoded.element_spec)
    positions, inputs = dataset_options.without_autotuning(
        decoded.concatenate(blanks).padded_batch(count + 1, padded_shapes=shapes)
    ).get_single_element()
    read = tf.size(positions, tf.int64) - 1
    sources = tf.tensor_scatter_nd_update(
        tf.fill([count + 1], read),
        positions[:, None],
        tf.range(read + 1),
    )[:count]
    inputs = tf.nest.map_structure(lambda tensor: tf.gather(tensor, sources), inputs)
    return inputs, sources < read
