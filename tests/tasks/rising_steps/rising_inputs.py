"""Curves: numbers with spaces between them, and spans of their steps."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from kft.data.examples import Examples
from kft.tasks.task import Preprocess

BOUNDARIES = (8, 16, 24, 40)


class Inputs:
    """Values, and which steps there are. See `kft.tasks.task.Inputs`."""

    spec: ClassVar = {
        "values": tf.TensorSpec([None], tf.float32),
        "mask": tf.TensorSpec([None], tf.float32),
    }
    is_augmented = False

    def __init__(self, pad_to: int = 0) -> None:
        self.boundaries = (pad_to,) if pad_to else BOUNDARIES

    def cache_key(self) -> dict[str, Any]:
        return {}

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples with their lengths, also where they are bare payloads."""
        del training
        payloads = examples.read(tf.constant(examples.rows)).numpy()
        lengths = np.array([len(payload.split()) for payload in payloads], np.int64)
        return dataclasses.replace(examples, lengths=lengths)

    def preprocess(self, *, training: bool) -> Preprocess:
        return parse

    def mix(self) -> None:
        return None


def parse(payload: tf.Tensor, key: tf.Tensor | None) -> dict[str, tf.Tensor]:
    """Return the values of a curve, and ones."""
    del key
    values = tf.strings.to_number(tf.strings.split(payload), tf.float32)
    return {"values": values, "mask": tf.ones_like(values)}


def spans(flags: np.ndarray) -> set[tuple[int, int]]:
    """Return begin and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return set(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
