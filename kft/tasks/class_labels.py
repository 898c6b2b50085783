"""What the classes of examples decide: one each, or any number (`--multi_label`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kft.config import ClassOptions
from kft.data.labels import LabelMap
from kft.metrics.thresholds import HALF
from kft.run_folder.run_dir import RunDir
from kft.tasks import kept_thresholds, multi_label_answers
from kft.tasks.class_answers import ClassAnswers
from kft.tasks.class_objective import ClassObjective
from kft.tasks.classifier_answers import ClassifierAnswers
from kft.tasks.multi_label_answers import MultiLabelAnswers
from kft.tasks.multi_label_objective import MultiLabelObjective
from kft.tasks.task import Objective


class ClassLabels(NamedTuple):
    """What is learned of classes, and what is answered."""

    objective: Objective
    answers: ClassifierAnswers


def of(
    config: ClassOptions,
    labels: LabelMap,
    thresholds: np.ndarray | None,
    *,
    smoothing: float,
) -> ClassLabels:
    """Return what is learned and answered.

    Args:
        config: of a run.
        labels: the classes, in index order.
        thresholds: float64 [classes], the least probability with which one of several
            classes is said; None before any are known, for 0.5.
        smoothing: share of a target that is given to all answers alike.
    """
    if not config.multi_label:
        objective = ClassObjective(labels, label_smoothing=smoothing)
        return ClassLabels(objective, ClassAnswers(labels))
    if thresholds is None:
        thresholds = np.full(len(labels), HALF)
    return ClassLabels(
        MultiLabelObjective(labels, thresholds=thresholds, label_smoothing=smoothing),
        MultiLabelAnswers(labels, thresholds),
    )


def kept(
    config: ClassOptions, labels: LabelMap, run: RunDir | None
) -> np.ndarray | None:
    """Return the thresholds that a finished run has; None where there are none.

    Raises:
        errors.RunDirError: where they are missing or damaged.
    """
    if run is None or not config.multi_label:
        return None
    return kept_thresholds.read(run, labels)


def of_export(metadata: Mapping[str, Any]) -> np.ndarray | None:
    """Return the thresholds that an export has; None where it says one class each."""
    found = metadata.get(multi_label_answers.THRESHOLDS)
    return None if found is None else np.array(found, np.float64)
