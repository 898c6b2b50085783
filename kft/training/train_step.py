"""The training steps of a stage.

All is in terms of a `Task`, a trunk and a tail, and structures of tensors; nothing here
knows what an example is. Batches are (inputs, labels, weights) with a static number of
rows; training weights sum to 1 over the global batch, so a replica's loss is its share
of the mean over the batch.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from kft.config import RunConfig
from kft.distribution.replicas import Devices
from kft.model import split
from kft.model.freeze import StageParts
from kft.tasks.task import Task
from kft.training.distillation import distillation_loss
from kft.training.evaluator import MetricSums


@dataclasses.dataclass(frozen=True)
class Chunk:
    """What one host call of `StageStep.train` did.

    Attributes:
        input_seconds: time the steps waited for their batches; 0 with --deterministic.
        bad_step: first step of the chunk with a loss that is not finite, or None.
    """

    input_seconds: float
    bad_step: int | None


class StageStep:
    """The compiled functions of one stage; make it in the strategy's scope."""

    def __init__(
        self,
        task: Task,
        parts: StageParts,
        optimizer: keras.optimizers.Optimizer,
        *,
        config: RunConfig,
        devices: Devices,
    ) -> None:
        self._task = task
        self._parts = parts
        self._optimizer = optimizer
        self._config = config
        self._devices = devices
        self.sums = MetricSums(devices, task.objective.total_names)
        self._ema = _averages(parts.trainable) if config.ema_decay else ()
        # Collectives and updates stay outside: XLA compiles what one replica computes.
        self._features = devices.jit(self._run_trunk, config)
        self._gradients = devices.jit(self._run_tail, config)
        self._train_function = tf.function(self._train_steps)

    def train(self, batches: Iterator[Any], num_steps: int) -> Chunk:
        """Run steps in one host call; the sums over examples grow on the device.

        Args:
            batches: iterator over what `Devices.distribute` returned.
            num_steps: at most the number of batches left.
        """
        waited, bad = self._train_function(batches, tf.constant(num_steps))
        bad_step = int(bad)
        return Chunk(float(waited), bad_step if bad_step < num_steps else None)

    def figures(self) -> dict[str, float]:
        """Return the task's figures over the examples since the sums were reset."""
        return dict(self._task.objective.figures(self.sums.read()))

    @property
    def averages(self) -> tuple[tf.Variable, ...]:
        """Return the moving averages of the trainable variables, in their order."""
        return self._ema

    def swap_averages(self) -> None:
        """Exchange the weights with their moving averages, if there are any."""
        for variable, average in zip(self._parts.trainable, self._ema, strict=False):
            kept = variable.numpy()
            variable.assign(average.read_value())
            average.assign(kept)

    def _now(self) -> tf.Tensor:
        """Return the time; op determinism knows none: it is 0 then."""
        if self._config.deterministic:
            return tf.constant(0.0, tf.float64)
        return tf.timestamp()

    def _train_steps(
        self, batches: Iterator[Any], num_steps: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        waited = tf.constant(0.0, tf.float64)
        bad_step = num_steps
        for i in tf.range(num_steps):
            asked = self._now()
            with tf.control_dependencies([asked]):
                batch = next(batches)
            with tf.control_dependencies(
                tf.nest.flatten(batch, expand_composites=True)
            ):
                waited += self._now() - asked
            strategy = self._devices.strategy
            losses = strategy.run(self._train_replica, args=batch)
            loss = strategy.experimental_local_results(losses)[0]
            self._update_averages()
            if not tf.math.is_finite(loss) and bad_step == num_steps:
                bad_step = i
        return waited, bad_step

    def _train_replica(
        self, inputs: Any, labels: tf.Tensor, weights: tf.Tensor
    ) -> tf.Tensor:
        """Update the weights with one batch; return the loss of all of it."""
        features = self._features(inputs)
        parts = self._config.accumulation_steps
        if parts == 1:
            loss, gradients, totals = self._gradients(features, labels, weights)
            self.sums.add(totals, weights)
        else:
            loss, gradients = self._accumulate(features, labels, weights)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            *gradients, loss = _sum_over_replicas(context, [*gradients, loss])
            self._average_statistics(context)
        if self._config.clip_norm:
            # The loss may be scaled; the bound scales with it.
            bound = self._optimizer.scale_loss(self._config.clip_norm)
            gradients, _ = tf.clip_by_global_norm(gradients, bound)
        self._optimizer.apply(gradients, list(self._parts.trainable))
        return loss

    def _average_statistics(self, context: tf.distribute.ReplicaContext) -> None:
        """Give all replicas the mean of what BatchNorm layers saw on each.

        Keras (3.15.1) lets the statistics of the replicas go different ways.
        """
        if self._parts.statistics:
            values = [tf.identity(v.value) for v in self._parts.statistics]
            sums = _sum_over_replicas(context, values)
            for variable, total in zip(self._parts.statistics, sums, strict=True):
                variable.assign(total / context.num_replicas_in_sync)

    def _run_trunk(self, inputs: Any) -> Any:
        return split.tail_inputs(self._parts.trunk, inputs)

    def _run_tail(
        self, features: Any, labels: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], dict[str, tf.Tensor]]:
        """Return the loss, its gradients, and what `MetricSums.add` takes."""
        objective = self._task.objective
        with tf.GradientTape() as tape:
            logits = self._parts.tail(features, training=True)
            losses = distillation_loss.losses(
                self._task, labels, logits, config=self._config
            )
            loss = tf.reduce_sum(losses * weights)
            scaled = self._optimizer.scale_loss(loss)
        # What is shown is of the labels alone, as on validation.
        labels = distillation_loss.own(labels)
        totals = objective.totals(labels, logits, training=True)
        variables = [v.value for v in self._parts.trainable]
        gradients = tape.gradient(
            scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # That of an embedding is of some of its rows alone.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        for gradient, variable in zip(gradients, variables, strict=True):
            # That of a convolution over steps of unknown number has lost it.
            gradient.set_shape(variable.shape)
        return loss, gradients, dict(totals)

    def _accumulate(
        self, features: Any, labels: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return loss and gradients of the whole batch, computed part by part."""
        size = weights.shape[0] // self._config.accumulation_steps
        loss = tf.constant(0.0)
        gradients = [tf.zeros_like(v.value) for v in self._parts.trainable]
        for i in tf.range(self._config.accumulation_steps):
            rows = slice(i * size, (i + 1) * size)
            part = tf.nest.map_structure(
                lambda x, rows=rows: _with_rows(x[rows], size),
                (features, labels, weights),
            )
            part_loss, part_gradients, totals = self._gradients(*part)
            self.sums.add(totals, part[-1])
            loss += part_loss
            gradients = [g + p for g, p in zip(gradients, part_gradients, strict=True)]
        return loss, gradients

    def _update_averages(self) -> None:
        decay = self._config.ema_decay
        if decay is None:
            return
        for variable, average in zip(self._parts.trainable, self._ema, strict=False):
            average.assign(average + (1.0 - decay) * (variable.value - average))


def _sum_over_replicas(
    context: tf.distribute.ReplicaContext, tensors: list[tf.Tensor]
) -> list[tf.Tensor]:
    """Return the sums of float32 tensors over all replicas.

    They travel as one: TensorFlow (2.21) sends each tensor in an operation of its own
    on CPUs, and over a network each costs its round trips.
    """
    sizes = [tensor.shape.num_elements() for tensor in tensors]
    flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
    flat = context.all_reduce(tf.distribute.ReduceOp.SUM, flat)
    return [
        tf.reshape(part, tensor.shape)
        for part, tensor in zip(tf.split(flat, sizes), tensors, strict=True)
    ]


def _averages(variables: tuple[keras.Variable, ...]) -> tuple[tf.Variable, ...]:
    return tuple(
        tf.Variable(v.numpy(), trainable=False, name=f"average_{rank}")
        for rank, v in enumerate(variables)
    )


def _with_rows(tensor: tf.Tensor, rows: int) -> tf.Tensor:
    """Return the tensor with its static number of rows, which slicing has lost."""
    tensor.set_shape([rows, *tensor.shape[1:]])
    return tensor
