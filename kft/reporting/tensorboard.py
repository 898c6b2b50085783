"""TensorBoard's part of a finished run: its settings, and its confusion matrix."""

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api

from kft.config import RunConfig, flagfile
from kft.evaluation.evaluate_run import Evaluation
from kft.metrics.classification import ClassificationFigures
from kft.reporting import confusion_chart
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult

# Ends the names of the files, which tells them from those of training.
_SUFFIX = ".after_training"


def write(run: RunDir, config: RunConfig, evaluation: Evaluation | None) -> None:
    """Write both beside the curves, once.

    Args:
        run: the folder of a finished run.
        config: of the run.
        evaluation: None where the run has nothing to be judged by.
    """
    if list(run.tensorboard.glob(f"*{_SUFFIX}")):
        return
    # What can fail comes first: a file that is there is never written again.
    result = RunResult.read(run)
    confusions = _confusions(evaluation)
    writer = tf.summary.create_file_writer(
        str(run.tensorboard), filename_suffix=_SUFFIX
    )
    with writer.as_default():
        api.hparams(settings(config), trial_id=run.path.name)
        if result.monitored is not None:
            tf.summary.scalar(f"best_{result.monitor}", result.monitored, step=0)
        for name, drawing in confusions:
            tf.summary.image(name, drawing[None], step=0)
    writer.close()


def _confusions(evaluation: Evaluation | None) -> list[tuple[str, np.ndarray]]:
    """Return name and drawing; none where examples have other labels than one class."""
    if evaluation is None or not isinstance(evaluation.figures, ClassificationFigures):
        return []
    confusion = np.array(evaluation.figures.confusion)
    drawing = confusion_drawing(confusion, evaluation.source.classes)
    return [(f"confusion_{evaluation.source.split}", drawing)]


def confusion_drawing(confusion: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return the drawing of a confusion matrix, uint8 [height, width, 4] RGBA."""
    content = io.BytesIO()
    confusion_chart.draw(confusion, names).savefig(content, format="png")
    return np.asarray(tf.io.decode_png(content.getvalue(), channels=4))


def settings(config: RunConfig) -> dict[str, Any]:
    """Return the options of a run as the HParams tab takes them."""
    values = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(config)
    }
    return {
        name: value if isinstance(value, int | float) else flagfile.format_value(value)
        for name, value in values.items()
    }
