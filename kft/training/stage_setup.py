"""The batches of a stage."""

import dataclasses
from collections.abc import Callable

from kft.data import pipeline
from kft.data.epoch_plan import Recipe
from kft.data.examples import Examples
from kft.training import one_pass
from kft.training.evaluator import Batches
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import Session


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


def stage_data(session: Session, index: int, cache: StageCache | None) -> StageData:
    """Return the batches of a stage: of stored features, or of examples made anew.

    The order and the augmentation of an epoch follow from its number in the run.

    Args:
        session: the run.
        index: of the stage.
        cache: the features of the stage's trunk; None where the trunk runs live.
    """
    config, devices = session.config, session.devices
    first = session.epochs_before(index)
    examples, preprocess, how = session.splits.train, None, recipe(session)
    if cache:
        examples = cache.train.examples(examples)
        how = dataclasses.replace(how, views=config.cached_views or 1)
    else:
        preprocess = session.task.preprocess(training=True)

    def train(epoch: int, step: int) -> Batches:
        return devices.distribute(
            lambda: pipeline.train_batches(
                examples,
                preprocess,
                share=devices.share(config.batch_size),
                recipe=how,
                span=pipeline.Span(
                    epochs=first + session.stages[index].epochs,
                    first_epoch=first + epoch,
                    first_batch=step,
                ),
            )
        )

    return StageData(
        train=train,
        validation=_validation(session, cache),
        train_examples=len(examples),
        steps_per_epoch=session.steps_per_epoch,
    )


def recipe(session: Session) -> Recipe:
    """Return how the training examples are drawn, weighted and mixed."""
    config = session.config
    return Recipe(
        seed=config.seed,
        balanced=config.sampling == "balanced",
        class_weights=session.class_weights,
        mix=session.task.mix(),
    )


def _validation(
    session: Session, cache: StageCache | None
) -> tuple[Batches, int] | None:
    examples = session.splits.validation
    if examples is None or not len(examples):
        return None
    if cache and cache.validation:
        return one_pass.batches(session, cache.validation.examples(examples), None)
    return evaluation(session, examples)


def evaluation(session: Session, examples: Examples) -> tuple[Batches, int]:
    """Return the batches of a split, each example once, and their number."""
    return one_pass.batches(session, examples, session.task.preprocess(training=False))
