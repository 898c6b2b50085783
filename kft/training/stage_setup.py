"""The setup of a stage: what trains in it, and on which batches."""

import dataclasses
from collections.abc import Callable, Mapping

import keras

from kft.data import pipeline
from kft.data.pipeline import Preprocess, Stored
from kft.model import freeze
from kft.model.freeze import StageParts
from kft.training import optimizers
from kft.training.evaluator import Batches
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import RunContext
from kft.training.train_step import StageStep


@dataclasses.dataclass(frozen=True)
class StageTraining:
    """What trains in a stage.

    Attributes:
        parts: of the network; without a trunk where its outputs are stored.
        optimizer: of what is trainable.
        schedule: of its learning rate, by the step within the stage.
        step: the compiled functions of parts and optimizer.
    """

    parts: StageParts
    optimizer: keras.optimizers.Optimizer
    schedule: optimizers.StageSchedule
    step: StageStep


@dataclasses.dataclass(frozen=True)
class StageData:
    """What the loop of a stage reads.

    Attributes:
        train: (first epoch, first step in it) -> batches to the end of the stage.
        validation: batches and their number; None without a validation split.
        train_examples: in one epoch.
        steps_per_epoch: updates in one epoch.
    """

    train: Callable[[int, int], Batches]
    validation: tuple[Batches, int] | None
    train_examples: int
    steps_per_epoch: int


def stage_training(
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
    return StageTraining(parts, optimizer, schedule, step)


def stage_data(context: RunContext, index: int, cache: StageCache | None) -> StageData:
    """Return the batches of a stage: of stored features, or of examples made anew.

    The order and the augmentation of an epoch follow from its number in the run.

    Args:
        context: the run.
        index: of the stage.
        cache: the features of the stage's trunk; None where the trunk runs live.
    """
    config, devices = context.config, context.devices
    first = context.epochs_before(index)
    examples, how = context.splits.train, context.sampling_config
    source: Preprocess | Stored = context.preprocess(training=True)
    if cache:
        examples, source = cache.train.of(examples)
        how = dataclasses.replace(how, views=config.cached_views or 1)

    def train(epoch: int, step: int) -> Batches:
        return devices.distribute(
            lambda: pipeline.train_batches(
                examples,
                source,
                share=devices.share(config.settled_batch_size),
                sampling=how,
                span=pipeline.Span(
                    epochs=first + context.stages[index].epochs,
                    first_epoch=first + epoch,
                    first_batch=step,
                ),
            )
        )

    return StageData(
        train=train,
        validation=_validation(context, cache),
        train_examples=len(examples),
        steps_per_epoch=context.steps_per_epoch,
    )


def _validation(
    context: RunContext, cache: StageCache | None
) -> tuple[Batches, int] | None:
    examples = context.splits.validation
    if examples is None or not len(examples):
        return None
    if cache and cache.validation:
        return context.eval_batches(*cache.validation.of(examples))
    return context.eval_batches(examples)


def cache_of(
    context: RunContext, index: int, caches: Mapping[str, StageCache]
) -> StageCache | None:
    """Return the stored features of a stage, None where its trunk runs live.

    Args:
        context: the run.
        index: of the stage.
        caches: stored features, by the layer that ends the trunk.
    """
    anchor = context.anchor(index)
    return caches.get(anchor) if anchor else None
