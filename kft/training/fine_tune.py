"""A run, from a config to the best weights in its run folder."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import tensorflow as tf
from absl import logging

from kft import data, errors, preflight, run_dir, runtime, schedule, tasks
from kft.config import TrainConfig
from kft.data import splits as data_splits
from kft.data.examples import Splits
from kft.model.network import stable_paths
from kft.run_dir import RunDir
from kft.training import checkpoints, interrupt, outcome, plan, stages, trunk_cache
from kft.training.callbacks import Callbacks
from kft.training.checkpoints import Snapshot
from kft.training.progress import ConsoleReporter, Reporter
from kft.training.records import FileRecorder, NullRecorder
from kft.training.session import Session
from kft.training.state import RunState
from kft.training.trunk_cache import StageCache

_MAX_RECOVERIES = 3


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What result.json says of a finished run.

    Attributes:
        run_dir: the run folder.
        val_accuracy: of the weights that are kept, in [0, 1]; None without validation.
        val_loss: mean cross entropy of the same weights, in nats.
        test_accuracy: on the test split, None without one.
        test_loss: likewise.
        seconds: of the run, over all starts.
        stages: one entry per stage: name, epochs, seconds, images_per_second,
            trainable_parameters, cached, best_epoch, val_accuracy.
    """

    run_dir: Path
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    seconds: float
    stages: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, run: RunDir) -> Self:
        """Return the result of a finished run."""
        values = json.loads(run.result_json.read_text())
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: values[name] for name in names if name != "run_dir"}
        return cls(run_dir=run.path, **{**values, "stages": tuple(values["stages"])})


def fine_tune(
    config: TrainConfig,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    reporter: Reporter | None = None,
) -> RunResult:
    """Train the stages of `config` and keep the best weights in the run folder.

    The same config on an unfinished run folder continues that run; on a finished one it
    returns its result and changes nothing.

    Args:
        config: the run.
        callbacks: ordinary Keras callbacks; their `model` is the whole network.
        reporter: shows progress; by default on standard output.

    Raises:
        errors.ConfigError: for options that can not work, before anything is loaded.
        errors.DataError: for data that can not be used.
        errors.RunDirError: for a run folder that is in use, damaged or of another run.
        errors.Interrupted: after a signal; the state is saved.
    """
    preflight.check(config)
    reporter = reporter or ConsoleReporter()
    with run_dir.claim(config) as (run, status):
        if status == "finished":
            reporter.say(f"{run.path} is finished already; nothing was changed.")
            return RunResult.read(run)
        with interrupt.listening() as signals:
            session = _open(config, run, callbacks, reporter, signals)
            _train(session)
        return RunResult.read(run)


def _open(
    config: TrainConfig,
    run: RunDir,
    callbacks: Sequence[keras.callbacks.Callback],
    reporter: Reporter,
    signals: interrupt.Interrupt,
) -> Session:
    """Load the data, build the network, and put the parts of the run together."""
    devices = runtime.start(config, seed=config.seed)
    splits = data.load_splits(config)
    reporter.say(_describe(splits))
    task = tasks.get(config, splits.labels)
    has_state = checkpoints.exists(run)
    with devices.strategy.scope():
        # The tensors of an unfinished run come from its checkpoint.
        network = task.network(weights="none" if has_state else config.weights)
    specs = schedule.parse_stages(config.stages)
    session = Session(
        config=config,
        stages=specs,
        depths=schedule.check_stages(specs, network.blocks),
        run=run,
        devices=devices,
        task=task,
        splits=splits,
        network=network,
        reporter=reporter,
        recorder=FileRecorder(run) if devices.is_chief else NullRecorder(),
        callbacks=Callbacks(callbacks, network.model),
        interrupt=signals,
    )
    if devices.is_chief:
        _write_facts(session)
    return session


def _write_facts(session: Session) -> None:
    """Write what the run starts from: labels, split, environment."""
    run, splits = session.run, session.splits
    run.write_text(run.labels_txt, splits.labels.text())
    run.write_text(run.split_csv, data_splits.split_csv(splits))
    environment = runtime.environment(session.devices)
    environment["data_fingerprint"] = splits.fingerprint
    run.write_json(run.environment_json, environment)
    _write_example(session)


def _write_example(session: Session) -> None:
    """Write one example that is not trained on, for a first prediction."""
    validation = session.splits.validation
    examples = validation if validation else session.splits.train
    payload = examples.read(tf.constant(examples.rows[:1]))[0].numpy()
    suffix = session.task.suffix(payload)
    session.run.write_bytes(session.run.path / f"example{suffix}", payload)


def _describe(splits: Splits) -> str:
    counts = [("training", splits.train), ("validation", splits.validation)]
    counts.append(("test", splits.test))
    parts = [f"{len(e):,} {name}" for name, e in counts if e is not None and len(e)]
    return (
        f"{splits.source}: {', '.join(parts)} examples of {len(splits.labels)} classes"
    )


def _train(session: Session) -> None:
    """Run the stages that are left, then evaluate and write the result."""
    snapshot = checkpoints.load_last(session.run, warn=logging.warning)
    resumed = snapshot is not None
    if snapshot is None:
        snapshot = Snapshot(RunState(), {})
    else:
        paths = stable_paths(session.network.model)
        checkpoints.assign(paths, snapshot.arrays, prefix="model/")
    caches = _plan(session, snapshot.state.stage)
    if resumed:
        _say_where(session, snapshot.state)
    session.recorder.restart(snapshot.state.history)
    epochs = sum(stage.epochs for stage in session.stages)
    session.callbacks.train_begin(epochs=epochs, steps=session.steps_per_epoch)
    while snapshot.state.stage < len(session.stages):
        try:
            state = stages.run_stage(session, snapshot, caches, resumed=resumed)
            snapshot, resumed = Snapshot(state, {}), False
        except errors.NotFiniteError as error:
            recoveries = snapshot.state.recoveries + 1
            snapshot, resumed = _step_back(session, error, recoveries), True
    result = outcome.finish(session, snapshot.state)
    session.callbacks.train_end({k: v for k, v in result.items() if _is_number(v)})


def _step_back(
    session: Session, error: errors.NotFiniteError, recoveries: int
) -> Snapshot:
    """Return the last save with half the learning rate, or raise the error again.

    Args:
        session: the run.
        error: what happened.
        recoveries: how often it has, this time included.
    """
    if session.config.on_nan == "stop":
        raise error
    if recoveries > _MAX_RECOVERIES:
        raise errors.TrainingError(
            f"{error} So it was after {_MAX_RECOVERIES} recoveries too: choose lower "
            "rates."
        ) from error
    logging.warning("%s Recovery %d halves the rate.", error, recoveries)
    snapshot = checkpoints.load_last(session.run, warn=logging.warning)
    state = dataclasses.replace(snapshot.state, recoveries=recoveries)
    paths = stable_paths(session.network.model)
    checkpoints.assign(paths, snapshot.arrays, prefix="model/")
    session.recorder.restart(state.history)
    return Snapshot(state, snapshot.arrays)


def _plan(session: Session, first_stage: int) -> Mapping[str, StageCache]:
    """Show what the stages will do, and run the frozen trunk where that is once."""
    found = trunk_cache.trunks(session, first_stage)
    choices = trunk_cache.choose(session, found)
    filler = trunk_cache.Filler(session, found, choices)
    seconds = filler.start()
    session.reporter.plan(plan.rows(session))
    for line in plan.trunk_lines(session, choices):
        session.reporter.say(line)
    savings = plan.savings(session, choices, seconds)
    if savings:
        session.reporter.say(savings)
    return filler.finish()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _say_where(session: Session, state: RunState) -> None:
    stage = session.stages[state.stage]
    session.reporter.say(
        f"Continuing {session.run.path}: stage {stage.unfreeze}, epoch "
        f"{state.epoch + 1}, step {state.step + 1}."
    )
