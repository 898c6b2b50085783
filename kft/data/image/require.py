"""Conditions on which a graph goes on."""

import tensorflow as tf


def require(
    value: tf.Tensor, condition: tf.Tensor, *problem: str | tf.Tensor
) -> tf.Tensor:
    """Return a value, which is used only once a condition holds.

    Args:
        value: any tensor.
        condition: bool [].
        problem: says what is wrong otherwise.

    Raises:
        tf.errors.InvalidArgumentError: with the problem, when the graph runs.
    """
    check = tf.raw_ops.Assert(condition=condition, data=list(problem))
    # Eagerly the check has been made by now, and there is no operation.
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(value)
