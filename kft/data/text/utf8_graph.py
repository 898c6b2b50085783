"""UTF-8 inside a graph."""

import tensorflow as tf


def is_utf8(texts: tf.Tensor) -> tf.Tensor:
    """Return which of tf.string [n] are valid UTF-8, bool [n]."""
    kept = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
    return kept == texts
