"""Trials as TensorBoard's HParams tab shows them."""

from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api

from kft.run_folder.run_dir import RunDir
from kft.search.parameters import Choice, Dimension
from kft.search.search_dir import SearchDir
from kft.search.trial_records import Record
from kft.training.trackers.trackers import BEST_ACCURACY


def write_space(search: SearchDir, space: Sequence[Dimension]) -> None:
    """Tell TensorBoard what is searched: `tensorboard --logdir=SEARCH_DIR/trials`."""
    parameters = [api.HParam(d.name, _domain(d)) for d in space]
    metrics = [api.Metric(BEST_ACCURACY, display_name="val_accuracy")]
    writer = _writer(str(search.trials))
    with writer.as_default():
        api.hparams_config(hparams=parameters, metrics=metrics)
    writer.close()


def write(search: SearchDir, record: Record) -> None:
    """Write the settings and the figure of a trial beside its curves."""
    if record.val_accuracy is None:
        return
    run = RunDir(search.trial(record.number))
    writer = _writer(str(run.tensorboard))
    with writer.as_default():
        api.hparams(record.values, trial_id=f"{record.number:04d}")
        tf.summary.scalar(BEST_ACCURACY, record.val_accuracy, step=record.epochs)
    writer.close()


def _writer(folder: str) -> tf.summary.SummaryWriter:
    return tf.summary.create_file_writer(folder)


def _domain(dimension: Dimension) -> api.Discrete | api.RealInterval | api.IntInterval:
    if isinstance(dimension, Choice):
        return api.Discrete(dimension.options)
    if dimension.whole:
        return api.IntInterval(int(dimension.low), int(dimension.high))
    return api.RealInterval(float(dimension.low), float(dimension.high))
