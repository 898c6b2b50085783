"""The learning rate range test of one stage: real steps while the rate grows."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import tensorflow as tf

from kft.lr_finder.suggestions import Curve
from kft.model.network import stable_paths
from kft.training import optimizers, stage_setup
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import RunContext


class _RangeSchedule(optimizers.StageSchedule):
    """A rate that grows from step to step in proportion to itself."""

    def __init__(self, rates: Sequence[float]) -> None:
        super().__init__(
            rates[-1], total_steps=len(rates), warmup_steps=0, kind="constant"
        )
        self._rates = tuple(rates)

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        last = len(self._rates) - 1
        return tf.gather(
            tf.constant(self._rates, tf.float32),
            tf.clip_by_value(tf.cast(step, tf.int32), 0, last),
        )


def lasting(context: RunContext, steps: int) -> RunContext:
    """Return the context with as many epochs in each stage as a test takes."""
    epochs = math.ceil(steps / context.steps_per_epoch)
    stages = tuple(dataclasses.replace(s, epochs=epochs) for s in context.stages)
    return dataclasses.replace(context, stages=stages)


def run(
    context: RunContext,
    index: int,
    rates: Sequence[float],
    caches: Mapping[str, StageCache],
) -> Curve:
    """Return the loss of a stage at growing rates.

    The network is afterwards what it was before.

    Args:
        context: the run; nothing is written to its folder.
        index: of the stage.
        rates: of the steps; those after the loss has run away are not tried.
        caches: stored features, by the layer that ends the trunk.
    """
    paths = stable_paths(context.network.model)
    before = {path: variable.numpy() for path, variable in paths.items()}
    try:
        return _curve(context, index, rates, caches)
    finally:
        for path, variable in paths.items():
            variable.assign(before[path])


def _curve(
    context: RunContext,
    index: int,
    rates: Sequence[float],
    caches: Mapping[str, StageCache],
) -> Curve:
    cache = stage_setup.cache_of(context, index, caches)
    with context.devices.strategy.scope():
        step = stage_setup.stage_training(
            context, index, schedule=_RangeSchedule(rates), is_cached=cache is not None
        ).step
    lasting_context = lasting(context, len(rates))
    batches = iter(stage_setup.stage_data(lasting_context, index, cache).train(0, 0))
    curve = Curve(planned=len(rates))
    title = f"range test of {context.stages[index].unfreeze}"
    with context.io.reporter.epoch(title, len(rates)) as bar:
        for count, rate in enumerate(rates, start=1):
            step.sums.reset()
            chunk = step.train(batches, 1)
            means = step.figures()
            loss = math.nan if chunk.bad_step is not None else means["loss"]
            curve = curve.add(rate, loss)
            if curve.has_diverged:
                break
            bar.update(count, means)
            context.io.signals.check()
    return curve
