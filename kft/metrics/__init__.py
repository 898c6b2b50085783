"""Figures of predictions: functions of arrays, without TensorFlow."""
