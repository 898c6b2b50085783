"""One pass of examples through the frozen part of a network."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.data import pipeline
from kft.data.examples import Examples
from kft.model.split import FrozenTrunk
from kft.training import one_pass
from kft.training.run_context import RunContext


class TrunkPass:
    """Runs the trunk on batches of the shape that training has.

    A convolution may round differently for another number of rows; with the same shape
    the stored features are those that a live stage would compute.
    """

    def __init__(
        self, context: RunContext, outputs: Sequence[list[keras.KerasTensor]]
    ) -> None:
        flat = [tensor for group in outputs for tensor in group]
        model = keras.Model(context.network.model.inputs, flat, name="trunks")
        self._session = context
        self._groups = outputs
        self._trunk = FrozenTrunk(model)
        self._features = context.devices.jit(self._trunk, context.config)
        self._function = tf.function(self._step)

    def run(
        self, examples: Examples, *, view: int, training: bool
    ) -> Iterator[list[list[np.ndarray]]]:
        """Yield, batch by batch, the rows of each cut in the order of the examples.

        Args:
            examples: of one split.
            view: which augmented view of a training example.
            training: whether the examples are to be augmented as in training.
        """
        config, devices = self._session.config, self._session.devices
        keys = pipeline.example_keys(examples, seed=config.seed)(view)
        preprocess = self._session.task.inputs.preprocess(training=training)
        batches, count = one_pass.batches(
            self._session, examples, preprocess, keys=keys
        )
        left = len(examples)
        for inputs, _, _ in itertools.islice(batches, count):
            tensors = [devices.gather_rows(t)[:left] for t in self._function(inputs)]
            left -= len(tensors[0])
            yield self._grouped(tensors)

    def _grouped(self, tensors: list[np.ndarray]) -> list[list[np.ndarray]]:
        rest = iter(tensors)
        return [[next(rest) for _ in group] for group in self._groups]

    def _step(self, inputs: Any) -> Any:
        return self._session.devices.strategy.run(self._features, args=(inputs,))
