"""What trains in a stage of a run: the parts of the network, optimizer and steps."""

import dataclasses
from collections.abc import Mapping

import keras

from kft.model import freeze
from kft.model.freeze import StageParts
from kft.training import optimizers
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import Session
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
    session: Session,
    index: int,
    *,
    schedule: optimizers.StageSchedule,
    is_cached: bool,
) -> StageTraining:
    """Freeze and unfreeze the network for a stage; call it in the strategy's scope.

    Args:
        session: the run.
        index: of the stage.
        schedule: of its learning rate.
        is_cached: whether the batches are what the trunk gives.
    """
    config = session.config
    parts = freeze.prepare_stage(
        session.network, session.depths[index], batch_norm=config.batch_norm
    )
    if is_cached:
        parts = dataclasses.replace(parts, trunk=None)
    optimizer = optimizers.build_optimizer(
        config, parts.trainable, schedule=schedule, distances=parts.distances
    )
    step = StageStep(
        session.task, parts, optimizer, config=config, devices=session.devices
    )
    return StageTraining(parts, optimizer, step)


def cache_of(
    session: Session, index: int, caches: Mapping[str, StageCache]
) -> StageCache | None:
    """Return the stored features of a stage, None where its trunk runs live.

    Args:
        session: the run.
        index: of the stage.
        caches: stored features, by the layer that ends the trunk.
    """
    anchor = session.network.anchor(session.depths[index])
    return caches.get(anchor) if anchor else None
