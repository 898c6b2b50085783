"""Grad-CAM: where a network looks, on the feature map that the pooling reads.

Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization, ICCV 2017 (arXiv:1610.02391).
"""

import keras
import numpy as np
import tensorflow as tf

from kft.model import split
from kft.model.network import Network

# So few that the inner activations of a large network fit beside it.
_BATCH = 8
# Of the longer side of a feature map, in places.
LEAST_SIDE = 4


def heat(network: Network, inputs: np.ndarray, class_ids: np.ndarray) -> np.ndarray:
    """Return how much each place speaks for a class, float32 [n, rows, columns].

    In [0, 1], 1 being the place that speaks for it most; all 0 where none does. Rows
    and columns are those of the feature map, which covers the whole input.

    Args:
        network: a classifier whose head reads one feature map.
        inputs: of the network, [n, ...].
        class_ids: [n], the class that is asked about.

    Raises:
        ValueError: where the head reads anything but one map [n, rows, columns, c].
    """
    halves = feature_split(network)
    maps = []
    for start in range(0, len(inputs), _BATCH):
        part = slice(start, start + _BATCH)
        maps.append(_heat(halves, tf.constant(inputs[part]), class_ids[part]))
    if not maps:
        return np.zeros([0, 1, 1], np.float32)
    return np.concatenate(maps)


def unexplained(network: Network) -> str:
    """Return why there is no heat of a network that is worth a look; empty if there is.

    Args:
        network: any.
    """
    try:
        (features,) = feature_split(network).trunk.outputs
    except ValueError as error:
        return f"Grad-CAM needs one feature map below the head, and {error}."
    _, rows, columns, _ = features.shape
    # Of unknown size where inputs are of different length.
    if rows is None or columns is None or max(rows, columns) >= LEAST_SIDE:
        return ""
    return (
        f"The last feature map is {rows} x {columns}, and Grad-CAM of fewer than "
        f"{LEAST_SIDE} x {LEAST_SIDE} places shows the borders of the map, not where "
        "the network looks; larger inputs have a larger map."
    )


def feature_split(network: Network) -> split.Split:
    """Return the network cut below its head: the map before pooling, and what reads it.

    The graph is flat and the head's first layer is the pooling, so this is the last
    map of every family.

    Raises:
        ValueError: see `heat`.
    """
    model = network.model
    features = model.get_layer(network.head_anchor).input
    if not isinstance(features, keras.KerasTensor) or len(features.shape) != 4:
        raise ValueError(f"{network.head_anchor} does not read a feature map")
    # See kft.model.split: Keras has no public way from a tensor to its maker.
    halves = split.split_at(model, features._keras_history.operation.name)
    if len(halves.trunk.outputs) != 1:
        raise ValueError(f"{network.head_anchor} is not all that reads the network")
    return halves


def _heat(halves: split.Split, inputs: tf.Tensor, class_ids: np.ndarray) -> np.ndarray:
    """Return the maps of one batch."""
    (features,) = split.FrozenTrunk(halves.trunk)(inputs)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = halves.tail([features], training=False)
        # Rows do not depend on each other, so the gradient of the sum is that of each.
        scores = tf.reduce_sum(tf.gather(logits, class_ids, axis=1, batch_dims=1))
    gradients = tf.cast(tape.gradient(scores, features), tf.float32)
    # Equations 1 and 2 there.
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    maps = tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=-1))
    highest = tf.reduce_max(maps, axis=(1, 2), keepdims=True)
    return np.asarray(tf.math.divide_no_nan(maps, highest))
