"""Trials as TensorBoard's HParams tab shows them."""

from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api

from kft.run_folder.history import VALIDATION
from kft.run_folder.run_dir import RunDir
from kft.search.parameters import Choice, Dimension
from kft.search.search_dir import SearchDir
from kft.search.trial_records import Record
from kft.training.trackers import trackers


def write_space(search: SearchDir, space: Sequence[Dimension], *, figure: str) -> None:
    """Tell TensorBoard what is searched: `tensorboard --logdir=SEARCH_DIR/trials`.

    Args:
        search: the folder.
        space: what is searched.
        figure: the name of what chooses, such as accuracy.
    """
    parameters = [api.HParam(d.name, _domain(d)) for d in space]
    tag = trackers.best_tag(figure)
    metrics = [api.Metric(tag, display_name=VALIDATION + figure)]
    writer = _writer(str(search.trials))
    with writer.as_default():
        api.hparams_config(hparams=parameters, metrics=metrics)
    writer.close()


def write(search: SearchDir, record: Record, *, figure: str) -> None:
    """Write the settings and the figure of a trial that did not fail to its curves."""
    if record.status == "failed":
        return
    run = RunDir(search.trial(record.number))
    writer = _writer(str(run.tensorboard))
    with writer.as_default():
        api.hparams(record.values, trial_id=f"{record.number:04d}")
        value = record.validation[figure]
        tf.summary.scalar(trackers.best_tag(figure), value, step=record.epochs)
    writer.close()


def _writer(folder: str) -> tf.summary.SummaryWriter:
    return tf.summary.create_file_writer(folder)


def _domain(dimension: Dimension) -> api.Discrete | api.RealInterval | api.IntInterval:
    if isinstance(dimension, Choice):
        return api.Discrete(dimension.options)
    if dimension.whole:
        return api.IntInterval(int(dimension.low), int(dimension.high))
    return api.RealInterval(float(dimension.low), float(dimension.high))
