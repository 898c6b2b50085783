"""One stage of a run: begin or go on, train, prove the freezing, keep the best."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from kft import errors
from kft.model import freeze, network
from kft.model.freeze import StageParts
from kft.run_folder import environment
from kft.run_folder.history import StageResult
from kft.training import (
    checkpoints,
    optimizers,
    stage_setup,
    stage_table,
    worker_sync,
)
from kft.training.best_weights import BestWeights
from kft.training.checkpoints import Snapshot
from kft.training.evaluator import Evaluator
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.run_context import RunContext
from kft.training.run_state import EpochProgress, RunState
from kft.training.stage_loop import StageLoop
from kft.training.stage_setup import StageTraining
from kft.training.weight_average import EpochWeights

Arrays = Mapping[str, np.ndarray]


def run_stage(
    context: RunContext,
    snapshot: Snapshot,
    caches: Mapping[str, StageCache],
    *,
    resumed: bool,
) -> RunState:
    """Run the stage at which the state stands and return the state after it.

    Args:
        context: the run.
        snapshot: the state; where `resumed`, with the tensors to go on from.
        caches: stored features, by the layer that ends the trunk.
        resumed: whether the stage had begun in an earlier process.

    Raises:
        freeze.FreezingError: where something frozen has moved.
        errors.NotFiniteError: where the loss or the weights are not finite.
        errors.Interrupted: after a signal; the state has been saved.
        errors.ConfigError: where other workers have other weights.
    """
    state = snapshot.state
    context.io.startup.await_first_step()
    cache = stage_setup.cache_of(context, state.stage, caches)
    with context.devices.strategy.scope():
        stage = _build(context, state, cache)
    if resumed:
        stage.tensors.restore(snapshot.arrays)
    else:
        state = _begin(context, state, stage)
    worker_sync.require_same_weights(context)
    context.callbacks.stage_begin(stage.training.optimizer)
    context.callbacks.restore(state.callbacks, is_of_stage=state.epoch > 0)
    try:
        state = stage.loop.run(state, stage.keep)
    except errors.NotFiniteError:
        # What was good before stays: on disk, whatever happens next.
        stage.best.write()
        raise
    _prove_frozen(context, state, stage.training.parts)
    worker_sync.require_same_weights(context)
    if stage.epochs is not None:
        state = stage.epochs.try_mean(
            state, validate=stage.loop.figures, keep_best=stage.best.keep
        )
    digests = stage.best.write()
    if digests is not None:
        state = dataclasses.replace(state, best_digests=digests)
    if state.epoch < context.stages[state.stage].epochs:
        # It ended early: the next stage begins with its best, not with its last.
        stage.best.assign()
    state = _after(context, state, stage.training.parts, is_cached=cache is not None)
    hint = stage_table.input_hint(context, state.stages[-1], cache)
    if hint:
        context.io.reporter.say(hint)
    return state


def _begin(context: RunContext, state: RunState, stage: "_Stage") -> RunState:
    """Return the state with which the stage begins, saved.

    A network that answers before any training is scored before the first save. So no
    save is without its score, and a run that goes on from one need not know whether its
    network had come that way.
    """
    if not state.history and context.network.head_is_pretrained:
        with context.io.startup.part("epoch_0"):
            state = stage.loop.score_untrained(state, stage.best.keep)
    return stage.tensors.begin(state)


def _prove_frozen(context: RunContext, state: RunState, parts: StageParts) -> None:
    """Check that nothing frozen has moved; warn of what trains and has not."""
    model = context.network.model
    still = freeze.prove_frozen(state.digests, freeze.digests(model), parts.movable)
    paths, trainable = network.stable_paths(model), set(map(id, parts.trainable))
    # The seed of a layer that drops nothing stays as it is.
    unmoved = [path for path in still if id(paths[path]) in trainable]
    if unmoved and state.epoch:
        logging.warning(
            "stage %s: %d trainable variables did not move: %s",
            context.stages[state.stage].unfreeze,
            len(unmoved),
            ", ".join(unmoved[:10]),
        )


def _after(
    context: RunContext, state: RunState, parts: StageParts, *, is_cached: bool
) -> RunState:
    """Return the state at the border to the next stage."""
    best = state.stage_best
    records = state.history[len(state.history) - state.epoch :]
    busy = sum(record.seconds for record in records) or 1e-9
    waits = [record.input_wait_fraction for record in records]
    waited = sum(
        (w or 0.0) * record.seconds for w, record in zip(waits, records, strict=True)
    )
    result = StageResult(
        name=context.stages[state.stage].unfreeze,
        epochs=state.epoch,
        seconds=round(state.stage_seconds, 3),
        examples_per_second=round(len(context.splits.train) * state.epoch / busy, 1),
        input_wait_fraction=None if None in waits else round(waited / busy, 4),
        trainable_parameters=sum(int(np.prod(v.shape)) for v in parts.trainable),
        cached=is_cached,
        best_epoch=best.number if best else None,
        validation=best.validation if best else {},
        averaged_epochs=best.averaged if best else (),
    )
    return dataclasses.replace(
        state,
        stage=state.stage + 1,
        epoch=0,
        progress=EpochProgress(),
        stale_epochs=0,
        stage_best=None,
        stages=(*state.stages, result),
        stage_seconds=0.0,
        seconds=context.seconds(),
        digests={},
    )


@dataclasses.dataclass(frozen=True)
class _Stage:
    """The parts of one stage.

    Attributes:
        training: what trains in it.
        best: the best weights that the stage brings.
        epochs: the weights of epochs that are to be averaged; None without --average.
        tensors: what a checkpoint of the stage holds.
        loop: its epochs.
    """

    training: StageTraining
    best: BestWeights
    epochs: EpochWeights | None
    tensors: "_StageTensors"
    loop: StageLoop

    def keep(
        self, state: RunState, validation: Mapping[str, float], is_best: bool
    ) -> None:
        """Keep what is needed later of the weights that an epoch ends with."""
        if is_best:
            self.best.keep()
        if self.epochs is not None:
            self.epochs.keep(state, validation)


def _build(context: RunContext, state: RunState, cache: StageCache | None) -> _Stage:
    """Put a stage together; call it in the strategy's scope."""
    config, index = context.config, state.stage
    spec = context.stages[index]
    steps = spec.epochs * context.steps_per_epoch
    schedule = optimizers.StageSchedule(
        context.peak_rate(index) * state.rate_scale,
        total_steps=steps,
        warmup_steps=round(config.warmup_fraction * steps),
        kind=config.schedule,
    )
    training = stage_setup.stage_training(
        context, index, schedule=schedule, is_cached=cache is not None
    )
    parts = training.parts
    best = BestWeights(context, parts.movable)
    evaluator = Evaluator(
        context.task, parts.tail, trunk=parts.trunk, devices=context.devices
    )
    averaging = config.parsed_average
    epochs = None
    if averaging is not None:
        epochs = EpochWeights(context, parts.movable, averaging)
    tensors = _StageTensors(context, training, best=best, epochs=epochs)
    loop = StageLoop(
        context,
        spec,
        training=training,
        evaluator=evaluator,
        data=stage_setup.stage_data(context, index, cache),
        save=tensors.save,
    )
    return _Stage(training, best, epochs, tensors, loop)


class _StageTensors:
    """The tensors that a checkpoint of a stage holds."""

    def __init__(
        self,
        context: RunContext,
        training: StageTraining,
        *,
        best: BestWeights,
        epochs: EpochWeights | None,
    ) -> None:
        self._context = context
        self._paths = network.stable_paths(context.network.model)
        self._movable = training.parts.movable
        self._optimizer = training.optimizer
        self._step = training.step
        self._kept = [one for one in (best, epochs) if one is not None]

    def begin(self, state: RunState) -> RunState:
        """Note what the proof compares with, and save the start of the stage."""
        digests = freeze.digests(self._context.network.model)
        state = dataclasses.replace(state, digests=digests)
        if self._context.devices.is_chief:
            frozen = self._paths.keys() - self._movable
            arrays = {checkpoints.MODEL + p: self._paths[p].numpy() for p in frozen}
            checkpoints.save_frozen(self._context.run, state.stage, arrays)
        self.save(state)
        return state

    def restore(self, arrays: Arrays) -> None:
        """Put every tensor back where the checkpoint had it."""
        checkpoints.assign(self._paths, arrays, prefix=checkpoints.MODEL)
        for prefix, variables in self._slots():
            checkpoints.assign(variables, arrays, prefix=prefix)
        for one in self._kept:
            one.restore(arrays)

    def _slots(self) -> list[tuple[str, dict[str, Any]]]:
        optimizer = {f"{i:05d}": v for i, v in enumerate(self._optimizer.variables)}
        averages = {f"{i:05d}": v for i, v in enumerate(self._step.averages)}
        return [("optimizer/", optimizer), ("average/", averages)]

    def save(self, state: RunState) -> None:
        """Write a checkpoint of the stage (the chief does).

        Raises:
            errors.NotFiniteError: for weights that are not finite; nothing is written.
        """
        arrays = {checkpoints.MODEL + p: self._paths[p].numpy() for p in self._movable}
        for name, value in arrays.items():
            if not np.isfinite(value).all():
                raise errors.NotFiniteError(f"{name} is not finite after an update.")
        if not self._context.devices.is_chief:
            return
        for prefix, variables in self._slots():
            arrays.update({prefix + k: v.numpy() for k, v in variables.items()})
        for one in self._kept:
            arrays.update(one.arrays())
        state = dataclasses.replace(state, seconds=self._context.seconds())
        checkpoints.save(
            self._context.run, Snapshot(state, arrays), versions=environment.versions()
        )
