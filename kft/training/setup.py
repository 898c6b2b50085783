"""The start of a run in this process: its data, its network, its parts."""

import dataclasses
import json
from collections.abc import Sequence

import keras
import numpy as np
from absl import logging

from kft import errors, tasks
from kft.config import RunConfig, stages
from kft.data import class_weights
from kft.data.examples import Examples, Splits
from kft.distribution.replicas import Devices
from kft.model import lora
from kft.model.network import Network
from kft.run_folder import regular_file, run_dir, saved_config
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Task
from kft.training import (
    provenance,
    run_context,
    skip_bad_examples,
    worker_sync,
)
from kft.training.distillation import ask_teacher
from kft.training.run_context import RunContext, RunIO

# A batch up to this size may be larger than the data: what fills it up costs little.
_FILLED_UP = 1024


def set_up_run(
    config: RunConfig,
    run: RunDir,
    devices: Devices,
    *,
    io: RunIO,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunContext:
    """Load the data, build the network, and put the parts of the run together.

    Args:
        config: of the run.
        run: its folder, as this worker sees it.
        devices: to train on.
        io: told what the data is; its signals are looked at between the parts.
        callbacks: the user's.

    Raises:
        errors.KftError: for data, weights or a checkpoint that cannot be used.
    """
    io.signals.check()
    with io.startup.part("data"), devices.together("load the data"):
        splits = tasks.load_splits(config)
    splits = skip_bad_examples.skip(config, splits, run=run, devices=devices)
    _check_examples(config, splits)
    worker_sync.require_same_run(config, splits, devices)
    io.reporter.say(_describe(splits))
    has_state = _has_state(config, run, splits, devices)
    if devices.is_chief and not has_state:
        _caution(config, splits)
    with devices.together("find the class weights"):
        weights = class_weights.find(config, splits)
    io.signals.check()
    task = tasks.get(config, splits.labels)
    with io.startup.part("network"), devices.strategy.scope():
        # The tensors of an unfinished run come from its checkpoint.
        network, added = build_network(
            config, task, weights="none" if has_state else config.weights
        )
    if added is not None:
        io.reporter.say(str(added))
    with io.startup.part("data"), devices.together("prepare the inputs"):
        ready = prepared(splits, task)
    context = run_context.build(
        config,
        run,
        devices,
        io=io,
        task=task,
        splits=ready,
        network=network,
        class_weights=weights,
        callbacks=callbacks,
    )
    if devices.is_chief and not has_state:
        with skip_bad_examples.naming(context):
            provenance.write(context, splits)
    if devices.is_chief and run.config_json.exists():
        _keep_place(run, config)
    return ask_teacher.ask(context, splits)


def _caution(config: RunConfig, splits: Splits) -> None:
    """Say what a person should know of the examples, once for a run."""
    for sentence in tasks.kind(config.task).cautions(config, splits):
        logging.warning("--dataset=%s: %s", config.dataset, sentence)


def build_network(
    config: RunConfig, task: Task, *, weights: str
) -> tuple[Network, lora.Added | None]:
    """Return the network that a run trains, and what --lora_rank has added to it.

    Call it in the strategy's scope.

    Raises:
        errors.ConfigError: for weights, stages or a rank that do not fit the network.
    """
    network = task.network(weights=weights)
    if config.lora_rank is None:
        return network, None
    depths = stages.check_stages(config.parsed_stages, network.blocks)
    return network, lora.add(network, max(depths), rank=config.lora_rank)


def _keep_place(run: RunDir, config: RunConfig) -> None:
    """Write where the data is now, whose examples are known to be those of the run."""
    kept = run_dir.read_config(run)
    if saved_config.with_places_of(config, kept) != kept:
        run_dir.keep_config(run, config)


def _check_examples(config: RunConfig, splits: Splits) -> None:
    """Check what depends on how many examples there are.

    Raises:
        errors.ConfigError: where a batch has room for more than there is to train on,
            or nothing can say whether a mean of weights is better.
    """
    size = config.settled_batch_size
    if size > max(len(splits.train), _FILLED_UP):
        raise errors.ConfigError(
            f"--batch_size={size}: expected at most the {len(splits.train):,} training "
            f"examples, or {_FILLED_UP}; the rest of a larger batch is computed for "
            "nothing."
        )
    if config.parsed_average is not None and not splits.validation:
        raise errors.ConfigError(
            f"--average={config.average} keeps a mean that validates better, and "
            f"--dataset={config.dataset} has no validation examples: raise "
            "--validation_fraction, or leave average out."
        )


def _has_state(
    config: RunConfig, run: RunDir, splits: Splits, devices: Devices
) -> bool:
    """Return whether the run has a checkpoint, which has to be of these splits."""
    has_state = worker_sync.has_checkpoint(run, devices)
    with devices.together("go on from the checkpoint"):
        if has_state and devices.is_chief:
            provenance.check(run, config, splits, devices)
    return has_state


def prepared(splits: Splits, task: Task) -> Splits:
    """Return the splits as the pipelines of the task read them."""

    def of(examples: Examples | None) -> Examples | None:
        if examples is None:
            return None
        return task.inputs.prepare(examples)

    return dataclasses.replace(
        splits,
        train=task.inputs.prepare(splits.train, training=True),
        validation=of(splits.validation),
        test=of(splits.test),
    )


def _describe(splits: Splits) -> str:
    counts = [("training", splits.train), ("validation", splits.validation)]
    counts.append(("test", splits.test))
    parts = [f"{len(e):,} {name}" for name, e in counts if e is not None and len(e)]
    labels = f"{len(splits.labels)} {splits.labels_are}"
    return f"{splits.source}: {', '.join(parts)} examples of {labels}"


def settle_class_weights(context: RunContext) -> None:
    """Say how classes are weighted and drawn, and write class_weights.csv.

    Raises:
        errors.ConfigError: where workers have other weights.
        errors.DataError: where the weights are not those that the run began with.
    """
    config, devices = context.config, context.devices
    weights = context.class_weights
    if weights is not None:
        _require_same(weights, config, devices)
        with devices.together("keep the class weights"):
            if devices.is_chief:
                _keep(context, class_weights.text(weights, context.splits))
    for line in class_weights.describe(config, context.splits, weights):
        context.io.reporter.say(line)


def _require_same(weights: np.ndarray, config: RunConfig, devices: Devices) -> None:
    if devices.num_workers > 1:
        given = json.dumps(weights.tolist())
        devices.require_equal({f"--class_weight={config.class_weight}": given})


def _keep(context: RunContext, text: str) -> None:
    path = context.run.class_weights_csv
    try:
        kept = regular_file.read(path).decode()
    except FileNotFoundError:
        kept = None
    except (OSError, UnicodeDecodeError) as error:
        logging.warning("%s cannot be read; it is written anew: %s.", path, error)
        kept = None
    if kept is not None and kept != text:
        raise errors.DataError(
            f"--class_weight={context.config.class_weight} gives other weights than "
            f"the run began with: {path} has those. Put them back, or start a new run "
            "in another --run_dir."
        )
    context.run.write_text(path, text)
