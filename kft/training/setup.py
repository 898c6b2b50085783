"""The start of a run in this process: its data, its network, its parts."""

import time
from collections.abc import Sequence

import keras

from kft import tasks
from kft.config import RunConfig, stages
from kft.data import class_weights
from kft.data.examples import Splits
from kft.distribution.replicas import Devices
from kft.run_folder.run_dir import RunDir
from kft.training import provenance, skip_bad_examples, worker_sync
from kft.training.monitoring.callbacks import Callbacks
from kft.training.monitoring.metrics_log import (
    FileRecorder,
    NullRecorder,
    Recorder,
)
from kft.training.monitoring.progress import Reporter
from kft.training.monitoring.signals import Signals
from kft.training.monitoring.startup_timer import StartupTimer
from kft.training.run_context import RunContext
from kft.training.trackers import trackers


def set_up_run(
    config: RunConfig,
    run: RunDir,
    devices: Devices,
    *,
    callbacks: Sequence[keras.callbacks.Callback],
    reporter: Reporter,
    signals: Signals,
    startup: StartupTimer,
) -> RunContext:
    """Load the data, build the network, and put the parts of the run together.

    Args:
        config: of the run.
        run: its folder, as this worker sees it.
        devices: to train on.
        callbacks: the user's.
        reporter: told what the data is.
        signals: looked at between the parts.
        startup: takes their time.

    Raises:
        errors.KftError: for data, weights or a checkpoint that cannot be used.
    """
    signals.check()
    with startup.part("data"), devices.together("load the data"):
        splits = tasks.load_splits(config)
    splits = skip_bad_examples.skip(config, splits, run=run, devices=devices)
    worker_sync.require_same_run(config, splits, devices)
    reporter.say(_describe(splits))
    has_state = _has_state(run, splits, devices)
    with devices.together("find the class weights"):
        weights = class_weights.find(config, splits)
    signals.check()
    task = tasks.get(config, splits.labels)
    with startup.part("network"), devices.strategy.scope():
        # The tensors of an unfinished run come from its checkpoint.
        network = task.network(weights="none" if has_state else config.weights)
    specs = config.parsed_stages
    context = RunContext(
        config=config,
        stages=specs,
        depths=stages.check_stages(specs, network.blocks),
        run=run,
        devices=devices,
        task=task,
        splits=splits,
        class_weights=weights,
        network=network,
        reporter=reporter,
        recorder=_recorder(config, run, devices),
        callbacks=Callbacks(callbacks, network.model),
        interrupt=signals,
        startup=startup,
        started=time.monotonic(),
    )
    if devices.is_chief and not has_state:
        with skip_bad_examples.naming(context):
            provenance.write(context)
    return context


def _has_state(run: RunDir, splits: Splits, devices: Devices) -> bool:
    """Return whether the run has a checkpoint, which has to be of these splits."""
    has_state = worker_sync.has_checkpoint(run, devices)
    with devices.together("go on from the checkpoint"):
        if has_state and devices.is_chief:
            provenance.check(run, splits, devices)
    return has_state


def _recorder(config: RunConfig, run: RunDir, devices: Devices) -> Recorder:
    if not devices.is_chief:
        return NullRecorder()
    return FileRecorder(run, events=trackers.TENSORBOARD in config.trackers)


def _describe(splits: Splits) -> str:
    counts = [("training", splits.train), ("validation", splits.validation)]
    counts.append(("test", splits.test))
    parts = [f"{len(e):,} {name}" for name, e in counts if e is not None and len(e)]
    return (
        f"{splits.source}: {', '.join(parts)} examples of {len(splits.labels)} classes"
    )
