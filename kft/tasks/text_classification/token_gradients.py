"""Gradient x input: how much each token speaks for an answer.

The gradient of the logit by the embedding of a token (with its position, as the first
layer reads it), times that embedding, summed over the features: what the logit would
lose without it, to first order (Shrikumar et al., arXiv 1605.01713).
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from kft.model import split
from kft.model.network import Network

# So few that the inner activations of a large network fit beside it.
_BATCH = 8


def scores(
    network: Network, inputs: Mapping[str, np.ndarray], class_ids: np.ndarray
) -> np.ndarray:
    """Return how much each token speaks for a class, float32 [n, tokens].

    Negative where it speaks against it; 0 for what is no token.

    Args:
        network: a classifier of texts.
        inputs: of the network, int32 [n, tokens] by name.
        class_ids: [n], the class that is asked about.
    """
    halves = split.split_at(network.model, network.anchors[network.blocks.names[0]])
    trunk = split.FrozenTrunk(halves.trunk)
    found = []
    for start in range(0, len(class_ids), _BATCH):
        part = slice(start, start + _BATCH)
        batch = {name: tf.constant(tensor[part]) for name, tensor in inputs.items()}
        found.append(_scores(trunk, halves.tail, batch, class_ids[part]))
    return np.concatenate(found)


def _scores(
    trunk: split.FrozenTrunk,
    tail: keras.Model,
    batch: Mapping[str, tf.Tensor],
    class_ids: np.ndarray,
) -> np.ndarray:
    cut = trunk(batch)
    states = [tensor for tensor in cut if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(states)
        logits = tail(cut, training=False)
        # Rows do not depend on each other, so the gradient of the sum is that of each.
        total = tf.reduce_sum(tf.gather(logits, class_ids, axis=1, batch_dims=1))
    (gradient,) = tape.gradient(total, states)
    products = tf.cast(gradient, tf.float32) * tf.cast(states[0], tf.float32)
    return np.asarray(tf.reduce_sum(products, axis=-1))
