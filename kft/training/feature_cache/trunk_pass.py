"""One pass of examples through the frozen part of a network."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.data import epoch_plan, pipeline
from kft.data.examples import Examples
from kft.model.split import FrozenTrunk
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
        self._context = context
        self._groups = outputs
        self._trunk = FrozenTrunk(model)
        self._features = context.devices.jit(self._trunk, context.config)
        self._function = tf.function(self._step, reduce_retracing=True)

    def run(
        self, examples: Examples, *, view: int, training: bool
    ) -> Iterator[tuple[np.ndarray, list[list[np.ndarray]]]]:
        """Yield, batch by batch, positions int64 [k] and the rows [k, ...] of each cut.

        Args:
            examples: of one split.
            view: which augmented view of a training example.
            training: whether the examples are to be augmented as in training.
        """
        context, devices = self._context, self._context.devices
        inputs = context.task.inputs
        keys = pipeline.example_keys(examples, seed=context.config.seed)(view)
        batches, count = context.eval_batches(
            examples, context.preprocess(training=training), keys=keys
        )
        order = epoch_plan.eval_order(examples, inputs.boundaries)
        for batch, _, _ in itertools.islice(batches, count):
            tensors = [devices.gather_rows(t) for t in self._function(batch)]
            positions, order = np.split(order, [len(tensors[0])])
            yield positions, self._grouped([t[: len(positions)] for t in tensors])

    def _grouped(self, tensors: list[np.ndarray]) -> list[list[np.ndarray]]:
        rest = iter(tensors)
        return [[next(rest) for _ in group] for group in self._groups]

    def _step(self, inputs: Any) -> Any:
        return self._context.devices.strategy.run(self._features, args=(inputs,))
