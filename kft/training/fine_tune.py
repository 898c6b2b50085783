"""A run, from a config to the best weights in its run folder."""

import dataclasses
import time
from collections.abc import Collection, Mapping, Sequence

import keras
from absl import logging

from kft import errors
from kft.config import RunConfig
from kft.distribution import batch_sharing, runtime, worker_loss
from kft.distribution.replicas import Devices
from kft.model.network import stable_paths
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.training import (
    checkpoints,
    finalize,
    out_of_memory,
    preflight,
    preview,
    setup,
    skip_bad_examples,
    stage_runner,
    stage_table,
    worker_sync,
)
from kft.training.auto import apply_recipe, batch_size
from kft.training.checkpoints import Snapshot
from kft.training.feature_cache import feature_cache
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.kept_network import FinishedRun
from kft.training.monitoring import signals as monitoring_signals
from kft.training.monitoring.metrics_log import FileRecorder, NullRecorder
from kft.training.monitoring.progress import (
    ConsoleReporter,
    Reporter,
    SilentReporter,
)
from kft.training.monitoring.startup_timer import StartupTimer
from kft.training.run_context import RunContext, RunIO
from kft.training.run_state import RunState
from kft.training.trackers import trackers

_MAX_RECOVERIES = 3


def fine_tune(
    config: RunConfig,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    reporter: Reporter | None = None,
    given: Collection[str] | None = None,
    seconds_to_import: float | None = None,
) -> RunResult:
    """Train the stages of `config` and keep the best weights in the run folder.

    The same config on an unfinished run folder continues that run; on a finished one it
    returns its result and changes nothing.

    Where several workers train together, each calls this with the same config, apart
    from `worker_index`, and all get the same result. Only the chief touches the folder.

    Args:
        config: the run.
        callbacks: ordinary Keras callbacks; their `model` is the whole network. With
            several workers each has to give the same ones.
        reporter: shows progress on the chief; by default on standard output.
        given: fields that `--recipe=auto` leaves; else those that differ from default.
        seconds_to_import: that starting Python and importing took, for result.json.

    Raises:
        errors.ConfigError: for options that cannot work, before anything is loaded.
        errors.DataError: for data that cannot be used.
        errors.RunDirError: for a run folder that is in use, damaged or of another run.
        errors.TrainingError: for memory that ran out, or numbers that went wrong.
        errors.Interrupted: after a signal to any worker; the state is saved.
        errors.WorkerLostError: where another worker is gone.
    """
    return finish(
        config,
        callbacks=callbacks,
        reporter=reporter,
        given=given,
        seconds_to_import=seconds_to_import,
    ).result


def finish(
    config: RunConfig,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    reporter: Reporter | None = None,
    given: Collection[str] | None = None,
    seconds_to_import: float | None = None,
) -> FinishedRun:
    """Do what `fine_tune` does; return also what is still in memory of the run."""
    started, startup = time.monotonic(), StartupTimer(seconds_to_import)
    config, devices = _settle(config, given, reporter or ConsoleReporter())
    shown = reporter or ConsoleReporter() if devices.is_chief else SilentReporter()
    with (
        worker_loss.explaining(devices),
        worker_sync.claim(config, devices) as (run, status),
    ):
        if status == "finished":
            shown.say(f"{run.path} is finished already; nothing was changed.")
            return FinishedRun(worker_sync.result(run, devices))
        with (
            monitoring_signals.listening() as signals,
            out_of_memory.explaining(config),
        ):
            signals.join(lambda number: int(devices.exchange([number]).max()))
            io = RunIO(shown, _recorder(config, run, devices), signals, startup)
            context = setup.set_up_run(config, run, devices, io=io, callbacks=callbacks)
            signals.check()
            with skip_bad_examples.naming(context), trackers.tracking(context):
                finished = _train(context, started)
            signals.check()
        result = worker_sync.result(run, devices)
        return dataclasses.replace(finished, result=result)


def _settle(
    config: RunConfig, given: Collection[str] | None, reporter: Reporter
) -> tuple[RunConfig, Devices]:
    """Return the config with a value for all that is automatic, and the devices."""
    config = preflight.with_data_found(config)
    preflight.check(config)
    trackers.check(config)
    if config.repeats > 1:
        raise errors.ConfigError(
            f"fine_tune makes one run, received repeats={config.repeats}: "
            "kft.training.fine_tune_seeds.fine_tune makes several."
        )
    with monitoring_signals.listening() as signals:
        # Before TensorFlow takes the memory of a GPU.
        config = batch_size.settle(config, say=reporter.say, signals=signals)
    devices = runtime.start(config, seed=config.seed)
    config = apply_recipe.settle(config, devices, given=given, say=reporter.say)
    _check_devices(config, devices)
    return config, devices


def _check_devices(config: RunConfig, devices: Devices) -> None:
    """Check what depends on how many devices there are."""
    devices.uses_xla(config)
    batch_sharing.check(config, devices.replicas)


def _recorder(
    config: RunConfig, run: RunDir, devices: Devices
) -> FileRecorder | NullRecorder:
    if not devices.is_chief:
        return NullRecorder()
    return FileRecorder(run, events=trackers.TENSORBOARD in config.trackers)


def _train(context: RunContext, started: float) -> FinishedRun:
    """Run the stages that are left, then evaluate and write the result.

    Args:
        context: the run.
        started: when this process began with it, by the monotonic clock.
    """
    snapshot, resumed = _first_snapshot(context)
    # Every figure of time counts from a start without interruptions.
    context = dataclasses.replace(context, started=started - snapshot.state.seconds)
    setup.settle_class_weights(context)
    preview.write(context)
    with context.io.startup.part("trunk"):
        caches = _fill_caches(context, snapshot.state.stage)
    if resumed:
        _say_where(context, snapshot.state)
    context.io.recorder.restart(snapshot.state.history)
    epochs = sum(stage.epochs for stage in context.stages)
    context.callbacks.train_begin(epochs=epochs, steps=context.steps_per_epoch)
    while snapshot.state.stage < len(context.stages):
        try:
            state = stage_runner.run_stage(context, snapshot, caches, resumed=resumed)
            snapshot, resumed = Snapshot(state, {}), False
        except errors.NotFiniteError as error:
            recoveries = snapshot.state.recoveries + 1
            snapshot, resumed = _step_back(context, error, recoveries), True
    finished = finalize.finalize_run(context, snapshot.state, caches)
    context.callbacks.train_end(finished.result.figures())
    return finished


def _first_snapshot(context: RunContext) -> tuple[Snapshot, bool]:
    """Return where the run stands, with its tensors in place, and whether it resumes.

    Raises:
        errors.RunDirError: for a checkpoint that does not fit, or is damaged.
    """
    snapshot = worker_sync.load_last(context.run, context.devices)
    if snapshot is None:
        return Snapshot(RunState(), {}), False
    with context.devices.together("go on from the checkpoint"):
        finalize.check_kept(context, snapshot)
    _assign(context, snapshot)
    return snapshot, True


def _assign(context: RunContext, snapshot: Snapshot) -> None:
    """Give the network the weights of a snapshot."""
    paths = stable_paths(context.network.model)
    checkpoints.assign(paths, snapshot.arrays, prefix=checkpoints.MODEL)


def _step_back(
    context: RunContext, error: errors.NotFiniteError, recoveries: int
) -> Snapshot:
    """Return the last save with half the learning rate, or raise the error again.

    Args:
        context: the run.
        error: what happened.
        recoveries: how often it has, this time included.
    """
    if context.config.on_nan == "stop":
        raise error
    if recoveries > _MAX_RECOVERIES:
        raise errors.TrainingError(
            f"{error} So it was after {_MAX_RECOVERIES} recoveries too: choose lower "
            "rates."
        ) from error
    logging.warning("%s Recovery %d halves the rate.", error, recoveries)
    snapshot = worker_sync.load_last(context.run, context.devices)
    if snapshot is None:
        raise errors.TrainingError(
            f"{error} There is no save to go back to."
        ) from error
    state = dataclasses.replace(snapshot.state, recoveries=recoveries)
    _assign(context, snapshot)
    context.io.recorder.restart(state.history)
    return Snapshot(state, snapshot.arrays)


def _fill_caches(context: RunContext, first_stage: int) -> Mapping[str, StageCache]:
    """Show what the stages will do, and run the frozen trunk where that is once."""
    reporter = context.io.reporter
    trunks = feature_cache.trunks(context, first_stage)
    placements = feature_cache.choose(context, trunks)
    reporter.plan(stage_table.rows(context))
    for line in stage_table.trunk_lines(context, placements):
        reporter.say(line)
    filled = feature_cache.fill(context, trunks, placements)
    savings = stage_table.savings(context, placements, filled.seconds_per_example)
    if savings:
        reporter.say(savings)
    return filled.by_anchor


def _say_where(context: RunContext, state: RunState) -> None:
    stage = context.stages[state.stage]
    context.io.reporter.say(
        f"Continuing {context.run.path}: stage {stage.unfreeze}, epoch "
        f"{state.epoch + 1}, step {state.progress.step + 1}."
    )
