"""What a network learns to do: everything in a run that depends on the kind of data."""

from kft.config import RunConfig
from kft.data.labels import LabelMap
from kft.tasks.image_classification.image_classification import (
    ImageClassification,
)
from kft.tasks.task import Task

TASKS = {"image_classification": ImageClassification}


def get(config: RunConfig, labels: LabelMap) -> Task:
    """Return the task of a run.

    Args:
        config: its field `task` is a key of `TASKS`.
        labels: the classes, in index order.
    """
    return TASKS[config.task](config, labels)
