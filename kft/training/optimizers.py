"""The optimizer of a stage: Keras' rules, with a rate per block and a schedule."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from kft.config import OptimizerConfig


@keras.saving.register_keras_serializable(package="kft")
class StageSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up from zero, then a fall over exactly the steps of one stage.

    With w warm-up steps, step i < w has the rate peak * (i + 1) / (w + 1); afterwards
    the rate depends on p = (i - w) / (total_steps - w), in [0, 1):
    cosine peak * (1 + cos(pi * p)) / 2 (Loshchilov and Hutter, arXiv 1608.03983,
    equation 5, without restarts), linear peak * (1 - p), step peak * 0.1 ** floor(3p),
    constant peak.
    """

    def __init__(
        self, peak: float, *, total_steps: int, warmup_steps: int, kind: str
    ) -> None:
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.kind = kind

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        """Return the learning rate of a step, counted from 0 in the stage."""
        step = tf.cast(step, tf.float32)
        warmup = tf.cast(self.warmup_steps, tf.float32)
        left = float(max(self.total_steps - self.warmup_steps, 1))
        progress = tf.clip_by_value((step - warmup) / left, 0.0, 1.0)
        fall = {
            "cosine": lambda: 0.5 * (1.0 + tf.cos(3.141592653589793 * progress)),
            "linear": lambda: 1.0 - progress,
            "step": lambda: 0.1 ** tf.floor(3.0 * progress),
            "constant": lambda: tf.ones_like(progress),
        }[self.kind]()
        rise = (step + 1.0) / (warmup + 1.0)
        return self.peak * tf.where(step < warmup, rise, fall)

    def get_config(self) -> dict[str, object]:
        """Return the arguments of the constructor."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "kind": self.kind,
        }


class _StageOptimizer(keras.optimizers.Optimizer):
    """Mixed into a Keras optimizer: a rate per variable, and sums made by the step.

    Two methods of the TensorFlow optimizer are replaced (Keras 3.15.1,
    `backend/tensorflow/optimizer.py`): the one that sums gradients over replicas,
    because the step has to do that before it clips by the global norm; and the one
    that updates a variable, because no public option sets a rate per variable. The
    rate is scaled rather than the gradient: that is exact for every rule, not only for
    sgd, and the decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101)
    follows the same rate.
    """

    _factors: Sequence[float]
    _decays: Sequence[float]

    def _all_reduce_sum_gradients(self, grads_and_vars: Iterable[Any]) -> Iterable[Any]:
        return grads_and_vars

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        rate = tf.cast(learning_rate, variable.dtype) * self._factors[index]
        if self._decays[index]:
            variable.assign_sub(variable * rate * self._decays[index])
        super().update_step(gradient, variable, rate)


def build_optimizer(
    config: OptimizerConfig,
    variables: Sequence[keras.Variable],
    *,
    schedule: keras.optimizers.schedules.LearningRateSchedule,
    distances: Sequence[int],
) -> keras.optimizers.Optimizer:
    """Return a new optimizer, built on `variables` (call it in the strategy's scope).

    Args:
        config: rule, momentum, weight decay and factor per block.
        variables: what the stage trains.
        schedule: learning rate as a function of the step within the stage.
        distances: of each variable, how many blocks it is from the head.
    """
    base = _RULES[config.optimizer]
    stage_class = type(base.__name__, (_StageOptimizer, base), {})
    optimizer = stage_class(
        learning_rate=schedule, name="optimizer", **_momentum(config)
    )
    optimizer._factors = [config.lr_decay_per_block**d for d in distances]
    # Biases and the scales and offsets of norm layers are the vectors of a network.
    optimizer._decays = [
        config.weight_decay if len(v.shape) > 1 else 0.0 for v in variables
    ]
    optimizer.build(list(variables))
    if keras.config.dtype_policy().compute_dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale")
        optimizer.build(list(variables))
    return optimizer


def _momentum(config: OptimizerConfig) -> dict[str, object]:
    if config.optimizer == "sgd":
        return {"momentum": config.momentum, "nesterov": config.nesterov}
    if config.optimizer == "rmsprop":
        return {"momentum": config.momentum}
    return {}


# In Keras AdamW is Adam with its weight decay, which here every rule has.
_RULES = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "lion": keras.optimizers.Lion,
}
