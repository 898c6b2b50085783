"""The end of a run: what the kept weights are worth, on every split."""

import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.data import sample
from kft.data.examples import TEST, VALIDATION, Examples
from kft.data.pipeline import Stored
from kft.metrics.predictions import Predictions
from kft.model import freeze, lora, split
from kft.model import network as networks
from kft.model.network import Network
from kft.run_folder import history
from kft.run_folder.run_result import RunResult
from kft.training import checkpoints, stage_setup, worker_sync
from kft.training.checkpoints import Snapshot
from kft.training.evaluator import Batches, Evaluator
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.kept_network import FinishedRun, KeptNetwork
from kft.training.run_context import RunContext
from kft.training.run_state import Best, RunState

# Few, because Keras keeps every tensor of a network that it calls without a graph; and
# a graph of each network would take longer than anything else here.
_SELF_CHECK_EXAMPLES = 4
# Both networks run the same kernels on the same rows; a GPU may still choose another
# algorithm for the same convolution.
_SELF_CHECK_TOLERANCE = 1e-4


def finalize_run(
    context: RunContext, state: RunState, caches: Mapping[str, StageCache]
) -> FinishedRun:
    """Evaluate the kept weights, check their file, and write result.json.

    A finished run does not train on, so what it would need for that is removed.

    Args:
        context: the run.
        state: after its last stage.
        caches: stored features, by the layer that ends the trunk.

    Raises:
        errors.TrainingError: where the weights file does not give the same outputs.
        errors.Interrupted: after a signal; the last save is that of the last epoch.
    """
    if state.best is None:
        raise errors.TrainingError(
            "The run has no epoch, so it has no weights to keep."
        )
    network = _kept_network(context, state)
    parts = _parts(context, state.best, network, caches)
    judging = next(iter(parts), None)
    measured = {
        name: _measure(context, part, keep=name == judging)
        for name, part in parts.items()
    }
    objective = context.task.objective
    _write_fitted(context, parts.get(VALIDATION), measured.get(VALIDATION))
    result = RunResult(
        run_dir=context.run.path,
        monitor=history.VALIDATION + objective.monitor.name,
        higher_is_better=objective.monitor.higher_is_better,
        validation=_figures(measured.get(VALIDATION)),
        test=_figures(measured.get(TEST)),
        best_stage=context.stages[state.best.stage].unfreeze,
        best_epoch=state.best.number,
        seconds=round(context.seconds(), 3),
        startup_seconds=context.io.startup.seconds(),
        stages=state.stages,
        teacher=_teacher(context),
    )
    if context.devices.is_chief:
        names = [metric.name for metric in objective.metrics]
        context.run.write_json(context.run.result_json, result.to_json(names))
    _remove_states(context)
    return FinishedRun(result, _handed_on(context, network, measured))


def _teacher(context: RunContext) -> Mapping[str, Any]:
    """Return who taught the network besides the labels, and how right it was."""
    if context.teacher is None:
        return {}
    return {"run_dir": context.config.teacher, **context.teacher.figures}


def _handed_on(
    context: RunContext, network: Network, measured: Mapping[str, "_Measured"]
) -> KeptNetwork | None:
    """Return what the work after the run needs; None where a strategy shares it out."""
    if not context.devices.is_default:
        return None
    predictions = {name: one.predictions for name, one in measured.items()}
    return KeptNetwork(
        network=network,
        devices=context.devices,
        traced=context.traced,
        predictions={k: one for k, one in predictions.items() if one is not None},
    )


def _write_fitted(
    context: RunContext, part: "_Part | None", measured: "_Measured | None"
) -> None:
    """Write what answers need besides the weights.

    Args:
        context: the run, which is not a finished one before.
        part: the validation split; None where there is none.
        measured: what came of it.
    """

    def predict() -> Predictions | None:
        if part is None or measured is None:
            return None
        if measured.predictions is not None:
            return measured.predictions
        batches, count = part.batches(context)
        rows = part.evaluator.predict(part.examples, batches, count)
        return Predictions(part.examples.ids, part.examples.labels, rows)

    files = context.task.objective.fitted_files(predict)
    if context.devices.is_chief:
        for name, content in files.items():
            context.run.write_text(context.run.path / name, content)


def _remove_states(context: RunContext) -> None:
    """Remove what only an unfinished run reads: several times the kept weights."""
    for folder in (context.run.checkpoints, context.run.features):
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            # The run is whole, with or without them.
            logging.warning("%s is of no use any more and stays: %s.", folder, error)


class _Part(NamedTuple):
    """A split, and how it is measured.

    Attributes:
        examples: of the split; there is one at least.
        source: their features, where those are stored; None for their inputs.
        evaluator: of the kept network, from the features or from the inputs on.
    """

    examples: Examples
    source: Stored | None
    evaluator: Evaluator

    def batches(self, context: RunContext) -> tuple[Batches, int]:
        """Return the batches of one pass, and how many they are."""
        return context.eval_batches(self.examples, self.source)


def _parts(
    context: RunContext, best: Best, network: Network, caches: Mapping[str, StageCache]
) -> dict[str, _Part]:
    """Return the splits that say what the kept weights are worth, validation first.

    Args:
        context: the run.
        best: which epoch has left the weights.
        network: with these weights.
        caches: stored features, by the layer that ends the trunk.
    """
    whole = _evaluator(context, network.model)
    named = {VALIDATION: context.splits.validation, TEST: context.splits.test}
    parts = {
        name: _Part(examples, None, whole)
        for name, examples in named.items()
        if examples is not None and len(examples)
    }
    cache = stage_setup.cache_of(context, best.stage, caches)
    anchor = network.anchor(context.depths[best.stage])
    if cache and cache.validation and cache.validation.is_exact and anchor:
        # What is stored is what this trunk gives: nothing below the cut has trained.
        tail = split.split_at(network.model, anchor).tail
        examples, source = cache.validation.of(parts[VALIDATION].examples)
        parts[VALIDATION] = _Part(examples, source, _evaluator(context, tail))
    return parts


def _evaluator(context: RunContext, model: keras.Model) -> Evaluator:
    with context.devices.strategy.scope():
        return Evaluator(context.task, model, devices=context.devices)


class _Measured(NamedTuple):
    """A split, measured.

    Attributes:
        figures: of the task.
        predictions: of the split that judges the run, where one device computes; None
            else.
    """

    figures: Mapping[str, float]
    predictions: Predictions | None = None


def _figures(measured: _Measured | None) -> Mapping[str, float]:
    """Return the figures of a split; none where there is no such split."""
    return measured.figures if measured else {}


def _measure(context: RunContext, part: _Part, *, keep: bool) -> _Measured:
    """Return the figures of a split, and what the network gives for it if asked to."""
    batches, count = part.batches(context)
    examples, check = part.examples, context.io.signals.check
    if not (keep and context.devices.is_default):
        return _Measured(part.evaluator.evaluate(batches, count, check=check))
    figures, rows = part.evaluator.measure(examples, batches, check=check)
    return _Measured(figures, Predictions(examples.ids, examples.labels, rows))


def weight_digests(model: keras.Model) -> dict[str, str]:
    """Return the digests of what a weights file holds.

    Seed states are not in it, nor the factors of LoRA: the file is written, and read
    again, with these merged.
    """
    weights = {id(weight) for weight in model.weights}
    weights -= {id(factor) for factor in lora.factors(model)}
    paths = networks.stable_paths(model)
    return {
        path: digest
        for path, digest in freeze.digests(model).items()
        if id(paths[path]) in weights
    }


def check_kept(context: RunContext, snapshot: Snapshot) -> None:
    """Check best.weights.h5 before a run goes on, where only it has the best weights.

    The network's weights are those of the file afterwards.

    Raises:
        errors.RunDirError: where the file is not as it was written.
    """
    state, path = snapshot.state, context.run.best_weights
    brings_best = any(name.startswith(checkpoints.BEST) for name in snapshot.arrays)
    if not state.best_digests or brings_best or not context.devices.is_chief:
        return
    advice = (
        "It has the best weights so far, and the checkpoints have not. Restore it from "
        "a copy, or start again in another --run_dir."
    )
    try:
        context.network.model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise errors.RunDirError(f"{path} is damaged: {error}. {advice}") from error
    if weight_digests(context.network.model) != state.best_digests:
        raise errors.RunDirError(
            f"{path} holds other weights than were saved. {advice}"
        )


def _kept_network(context: RunContext, state: RunState) -> Network:
    """Return a new network with the weights of best.weights.h5.

    The file is what everything after the run starts from. So its weights are compared,
    bit by bit, with those that were saved, and the new network's outputs with those of
    the network that has trained.
    """
    path = context.run.best_weights
    worker_sync.share(path, context.devices)
    with context.devices.strategy.scope():
        fresh = context.task.network(weights="none")
        fresh.model.load_weights(path)
        context.network.model.load_weights(path)
    wrong = [
        name
        for name, digest in weight_digests(fresh.model).items()
        if digest != state.best_digests[name]
    ]
    if wrong:
        raise errors.TrainingError(
            f"{path} does not hold the weights that were saved: {', '.join(wrong[:10])}"
        )
    difference = _largest_difference(context, fresh.model)
    if not difference <= _SELF_CHECK_TOLERANCE:
        raise errors.TrainingError(
            f"The network rebuilt from {path} gives other outputs than the one that "
            f"has trained: largest difference {difference:g}. This is a bug in kft."
        )
    return fresh


def _largest_difference(context: RunContext, fresh: keras.Model) -> float:
    """Return how far a network's outputs are from those of the run's network.

    Not a number where an output is none, even if it is one in both.
    """
    examples = context.splits.validation or context.splits.train
    chosen = sample.spread(examples, _SELF_CHECK_EXAMPLES)
    loaded = sample.load(chosen, context.preprocess(training=False))
    inputs = context.task.inputs
    batch = sample.stack(loaded, inputs.spec, inputs.boundaries)
    outputs = [
        keras.ops.convert_to_numpy(network(batch, training=False))
        for network in (fresh, context.network.model)
    ]
    return float(np.max(np.abs(outputs[0] - outputs[1])))
