"""Figures of a network over examples, and what it gives for each."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.data import epoch_plan, sampling
from kft.data.examples import Examples
from kft.data.ragged import Ragged, Rows
from kft.distribution.replicas import Devices
from kft.model import split
from kft.model.split import FrozenTrunk
from kft.tasks.task import Task
from kft.training.steps_per_call import StepsPerCall

Batches = Any  # A tf.data.Dataset, or its tf.distribute counterpart.
# Between two looks at signals.
_SECONDS_PER_CALL = 0.5


class MetricSums:
    """Sums over examples that grow on the devices; make it in the strategy's scope.

    float32 counts exactly up to 2 ** 24 examples per replica and epoch.
    """

    def __init__(self, devices: Devices, names: Sequence[str]) -> None:
        self._names = tuple(names)
        # One variable, so that reading it is one operation over all devices.
        self._variable = tf.Variable(
            tf.zeros([len(self._names)]),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
            name="sums",
        )
        self._devices = devices

    def add(self, totals: Mapping[str, tf.Tensor], weights: tf.Tensor) -> None:
        """Add what each row of a batch has; rows whose weight is 0 are ignored."""
        columns = tf.stack([totals[name] for name in self._names])
        # A row that only fills up the batch must not poison the sum with its NaN.
        columns = tf.where(weights > 0, columns, 0.0)
        self._variable.assign_add(tf.reduce_sum(columns, axis=1))

    def read(self) -> dict[str, float]:
        """Return the sums over all replicas; every worker has to call it."""
        values = self._variable.read_value().numpy()
        return dict(zip(self._names, map(float, values), strict=True))

    def write(self, sums: Mapping[str, float]) -> None:
        """Put back what `read` returned."""
        if sums:
            values = np.array([sums[name] for name in self._names], np.float32)
            strategy = self._devices.strategy
            parts = strategy.experimental_local_results(self._variable)
            for rank, part in enumerate(parts):
                # The first replica of all holds everything: shares would be rounded.
                is_first = self._devices.is_chief and not rank
                part.assign(values if is_first else np.zeros_like(values))

    def reset(self) -> None:
        """Start at zero."""
        self.write(dict.fromkeys(self._names, 0.0))


class Evaluator:
    """Evaluates and predicts; make it in the strategy's scope.

    Args:
        task: says what the metrics are.
        tail: from the features, or from the inputs where there is no trunk, to logits.
        trunk: the frozen part below the tail.
        devices: where to compute.
    """

    def __init__(
        self,
        task: Task,
        tail: keras.Model,
        *,
        trunk: FrozenTrunk | None = None,
        devices: Devices,
    ) -> None:
        self._task = task
        self._tail = tail
        self._trunk = trunk
        self._devices = devices
        self._sums = MetricSums(devices, task.objective.total_names)
        self._eval_function = tf.function(self._eval_steps)
        self._predict_function = tf.function(self._predict_step, reduce_retracing=True)
        self._measure_function = tf.function(self._measure_step, reduce_retracing=True)

    def evaluate(
        self,
        batches: Batches,
        num_batches: int,
        *,
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, float]:
        """Return the figures of the task over all examples of the batches.

        Args:
            batches: the examples.
            num_batches: how many batches there are.
            check: called about twice a second; it may raise to end the evaluation.
        """
        self._sums.reset()
        pace = StepsPerCall("auto", seconds=_SECONDS_PER_CALL)
        iterator, done = iter(batches), 0
        while done < num_batches:
            count = min(pace.steps, num_batches - done)
            start = time.monotonic()
            self._eval_function(iterator, tf.constant(count))
            done += count
            check()
            fitting = pace.fitting(count, time.monotonic() - start)
            # All workers have to run as many.
            pace.steps = int(self._devices.exchange([fitting])[0, 0])
        return dict(self._task.objective.figures(self._sums.read()))

    def outputs(
        self, batches: Batches, num_batches: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yield what the network gives for each batch, [rows, ...], valid rows only.

        Args:
            batches: the examples.
            num_batches: how many there are; None, on one device only, for all.
        """
        for inputs, _, weights in itertools.islice(batches, num_batches):
            yield self._output(inputs, weights)

    def predict(
        self, examples: Examples, batches: Batches, num_batches: int | None = None
    ) -> Rows:
        """Return what the network gives for each example, in their order.

        Args:
            examples: of one split.
            batches: the same, in the order of `epoch_plan.eval_order`.
            num_batches: how many there are; None, on one device only, for all.

        Returns:
            float32 [n, ...]; for a network whose output has steps, those of the real
            steps of each example.
        """
        return self._in_order(examples, self.outputs(batches, num_batches))

    def measure(
        self,
        examples: Examples,
        batches: Batches,
        *,
        check: Callable[[], None] = lambda: None,
    ) -> tuple[dict[str, float], Rows]:
        """Return what `evaluate` and `predict` do, in one pass, on one device.

        Args:
            examples: see `predict`.
            batches: likewise.
            check: called after each batch; it may raise to end the pass.
        """
        self._sums.reset()

        def outputs() -> Iterator[np.ndarray]:
            for inputs, labels, weights in batches:
                output = self._measure_function(inputs, labels, weights)
                check()
                yield self._valid(output, weights)

        rows = self._in_order(examples, outputs())
        return dict(self._task.objective.figures(self._sums.read())), rows

    def _in_order(self, examples: Examples, outputs: Iterable[np.ndarray]) -> Rows:
        """Return what the network gives for each example, in their order.

        Args:
            examples: of one split.
            outputs: those of their batches, in `epoch_plan.eval_order`.
        """
        boundaries = self._task.inputs.boundaries
        order = epoch_plan.eval_order(examples, boundaries)
        if not self._has_steps:
            values = np.concatenate(list(outputs))
            found = np.empty_like(values)
            found[order] = values
            return found
        rows: list[np.ndarray] = []
        lengths = epoch_plan.known_lengths(examples)[order]
        for output in outputs:
            own = lengths[len(rows) : len(rows) + len(output)]
            padded = sampling.padded_lengths(own, boundaries).max()
            steps = -(-own // (padded // output.shape[1]))
            rows += [row[:count] for row, count in zip(output, steps, strict=True)]
        return Ragged.from_rows(rows).take(np.argsort(order, kind="stable"))

    @property
    def _has_steps(self) -> bool:
        """Return whether the network gives rows of different length."""
        shape = self._tail.outputs[0].shape
        return len(shape) > 1 and shape[1] is None

    def _output(self, inputs: Any, weights: Any) -> np.ndarray:
        return self._valid(self._predict_function(inputs), weights)

    def _valid(self, output: Any, weights: Any) -> np.ndarray:
        """Return the rows of a batch that do not only fill it up."""
        rows = self._devices.gather_rows(output)
        return rows[self._devices.gather_rows(weights) > 0]

    def _eval_steps(self, batches: Iterator[Any], num_batches: tf.Tensor) -> None:
        for _ in tf.range(num_batches):
            self._devices.strategy.run(self._eval_replica, args=next(batches))

    def _eval_replica(self, inputs: Any, labels: tf.Tensor, weights: tf.Tensor) -> None:
        self._measure_step(inputs, labels, weights)

    def _measure_step(
        self, inputs: Any, labels: tf.Tensor, weights: tf.Tensor
    ) -> tf.Tensor:
        logits = self._logits(inputs)
        totals = self._task.objective.totals(labels, logits, training=False)
        self._sums.add(totals, weights)
        return logits

    def _predict_step(self, inputs: Any) -> Any:
        return self._devices.strategy.run(self._logits, args=(inputs,))

    def _logits(self, inputs: Any) -> tf.Tensor:
        features = split.tail_inputs(self._trunk, inputs)
        return self._tail(features, training=False)
