"""The text that the outputs of CTC spell: repeats are one, blanks are nothing."""

import numpy as np
import tensorflow as tf


def greedy(logits: np.ndarray) -> np.ndarray:
    """Return the likeliest symbol of each step without repeats and blanks, int [k].

    Args:
        logits: [steps, symbols + 1], the last that of the blank; steps of zeros only
            fill up a batch.
    """
    real = logits[logits.any(axis=-1)]
    if not len(real):
        return np.zeros([0], np.int64)
    said = real.argmax(axis=-1)
    is_new = np.concatenate([[True], said[1:] != said[:-1]])
    found: np.ndarray = said[is_new & (said < logits.shape[-1] - 1)]
    return found


def greedy_in_graph(logits: tf.Tensor) -> tf.RaggedTensor:
    """Return the same of a batch [batch, steps, symbols + 1], by TensorFlow's ops."""
    blank = logits.shape[-1] - 1
    is_real = tf.reduce_any(logits != 0, axis=-1)
    said = tf.where(is_real, tf.argmax(logits, -1, output_type=tf.int32), blank)
    before = tf.pad(said, [[0, 0], [1, 0]], constant_values=blank)[:, :-1]
    return tf.ragged.boolean_mask(said, (said != before) & (said != blank))
