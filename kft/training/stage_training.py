"""What trains in a stage of a run: the parts of the network, optimizer and steps."""

import dataclasses
from collections.abc import Mapping

import keras

from kft.model import freeze
from kft.model.freeze import StageParts
from kft.training import optimizers
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import RunContext
from kft.training.train_step import StageStep


@dataclasses.dataclass(frozen=True)
class StageTraining:
    """What trains in a stage.

    Attributes:
        parts: of the network; without a trunk where its outputs are stored.
        optimizer: of what is trainable.
        step: the compiled functions of both.
    """

    parts: StageParts
    optimizer: keras.optimizers.Optimizer
    step: StageStep


def prepare(
    context: RunContext,
    index: int,
    *,
    schedule: optimizers.StageSchedule,
    is_cached: bool,
) -> StageTraining:
    """Freeze and unfreeze the network for a stage; call it in the strategy's scope.

    Args:
        context: the run.
        index: of the stage.
        schedule: of its learning rate.
        is_cached: whether the batches are what the trunk gives.
    """
    config = context.config
    parts = freeze.prepare_stage(
        context.network, context.depths[index], batch_norm=config.batch_norm
    )
    if is_cached:
        parts = dataclasses.replace(parts, trunk=None)
    optimizer = optimizers.build_optimizer(
        config, parts.trainable, schedule=schedule, distances=parts.distances
    )
    step = StageStep(
        context.task, parts, optimizer, config=config, devices=context.devices
    )
    return StageTraining(parts, optimizer, step)


def cache_of(
    context: RunContext, index: int, caches: Mapping[str, StageCache]
) -> StageCache | None:
    """Return the stored features of a stage, None where its trunk runs live.

    Args:
        context: the run.
        index: of the stage.
        caches: stored features, by the layer that ends the trunk.
    """
    anchor = context.network.anchor(context.depths[index])
    return caches.get(anchor) if anchor else None
