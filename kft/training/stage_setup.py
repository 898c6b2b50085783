"""The batches of a stage."""

import dataclasses
from collections.abc import Callable

from kft.data import pipeline
from kft.data.epoch_plan import SamplingConfig
from kft.data.examples import Examples
from kft.training import one_pass
from kft.training.evaluator import Batches
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import RunContext


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
    examples, preprocess, how = context.splits.train, None, recipe(context)
    if cache:
        examples = cache.train.examples(examples)
        how = dataclasses.replace(how, views=config.cached_views or 1)
    else:
        preprocess = context.task.inputs.preprocess(training=True)

    def train(epoch: int, step: int) -> Batches:
        return devices.distribute(
            lambda: pipeline.train_batches(
                examples,
                preprocess,
                share=devices.share(config.batch_size),
                recipe=how,
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


def recipe(context: RunContext) -> SamplingConfig:
    """Return how the training examples are drawn, weighted and mixed."""
    config = context.config
    return SamplingConfig(
        seed=config.seed,
        balanced=config.sampling == "balanced",
        class_weights=context.class_weights,
        mix=context.task.inputs.mix(),
    )


def _validation(
    context: RunContext, cache: StageCache | None
) -> tuple[Batches, int] | None:
    examples = context.splits.validation
    if examples is None or not len(examples):
        return None
    if cache and cache.validation:
        return one_pass.batches(context, cache.validation.examples(examples), None)
    return evaluation(context, examples)


def evaluation(context: RunContext, examples: Examples) -> tuple[Batches, int]:
    """Return the batches of a split, each example once, and their number."""
    return one_pass.batches(
        context, examples, context.task.inputs.preprocess(training=False)
    )
