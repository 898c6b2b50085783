"""The batches of a stage."""

import dataclasses
from collections.abc import Callable

from kft.config import TrainConfig
from kft.data import pipeline
from kft.data.examples import Examples, Splits
from kft.runtime import Devices
from kft.tasks.task import Task
from kft.training.scoring import Batches


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


def live(
    config: TrainConfig,
    splits: Splits,
    *,
    task: Task,
    devices: Devices,
    epochs: int,
    first_epoch: int,
) -> StageData:
    """Return the batches of a stage that decodes and augments every epoch anew.

    Args:
        epochs: of this stage.
        first_epoch: epochs of earlier stages; the order and the augmentation of an
            epoch follow from its number in the run.
    """
    preprocess = task.preprocess(training=True)

    def train(epoch: int, step: int) -> Batches:
        return devices.distribute(
            lambda: pipeline.train_batches(
                splits.train,
                preprocess,
                batch_size=config.batch_size,
                seed=config.seed,
                epochs=first_epoch + epochs,
                first_epoch=first_epoch + epoch,
                first_batch=step,
                worker=devices.worker,
                num_workers=devices.num_workers,
                replicas=devices.replicas_per_worker,
            )
        )

    validation = None
    if splits.validation is not None and len(splits.validation):
        validation = evaluation(config, splits.validation, task=task, devices=devices)
    return StageData(
        train=train,
        validation=validation,
        train_examples=len(splits.train),
        steps_per_epoch=num_batches(len(splits.train), config.batch_size),
    )


def evaluation(
    config: TrainConfig, examples: Examples, *, task: Task, devices: Devices
) -> tuple[Batches, int]:
    """Return the batches of a split, each example once, and their number."""
    preprocess = task.preprocess(training=False)
    batches = devices.distribute(
        lambda: pipeline.eval_batches(
            examples,
            preprocess,
            batch_size=config.batch_size,
            worker=devices.worker,
            num_workers=devices.num_workers,
            replicas=devices.replicas_per_worker,
        )
    )
    return batches, num_batches(len(examples), config.batch_size)


def num_batches(examples: int, batch_size: int) -> int:
    """Return how many batches hold all examples, the last one filled up."""
    return -(-examples // batch_size)
