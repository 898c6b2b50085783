"""Options that every tf.data pipeline of kft has."""

import tensorflow as tf


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return the data set with as many parallel calls as there are cores, for good.

    tf.data looks for better numbers in a thread of its own, again after ever longer
    pauses of up to a minute, and an iterator waits for that thread when it is deleted.
    The word to stop is lost where the thread wakes before
    `CancellationManager::IsCancelled` says so (`Model::OptimizeLoop` of TensorFlow
    2.21; `StartCancel` runs the callbacks before it sets the flag). It then sleeps its
    pause to the end: the end of a pass of 40 s was seen to take 36 s more.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
