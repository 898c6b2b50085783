"""What predictions are worth: figures of arrays, without TensorFlow."""
