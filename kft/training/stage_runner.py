"""One stage of a run: begin or go on, train, prove the freezing, keep the best."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from kft import errors
from kft.model import freeze, network
from kft.run_folder import environment
from kft.training import (
    checkpoints,
    optimizers,
    stage_setup,
    stage_table,
    stage_training,
    worker_sync,
)
from kft.training.best_weights import BestWeights
from kft.training.checkpoints import Snapshot
from kft.training.evaluator import Evaluator
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.outlets import Outlets
from kft.training.run_context import RunContext
from kft.training.run_state import RunState
from kft.training.stage_loop import StageLoop

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
    """
    state = snapshot.state
    context.startup.await_first_step()
    cache = stage_training.cache_of(context, state.stage, caches)
    with context.devices.strategy.scope():
        stage = _Stage(context, state, cache)
    if resumed:
        stage.restore(snapshot.arrays)
    else:
        state = stage.begin(state)
    worker_sync.require_same_weights(context)
    context.callbacks.stage_begin(stage.optimizer)
    context.callbacks.restore(state.callbacks, is_of_stage=state.epoch > 0)
    try:
        state = stage.loop.run(state, stage.best.keep)
    except errors.NotFiniteError:
        # What was good before stays: on disk, whatever happens next.
        stage.best.write()
        raise
    unmoved = freeze.prove_frozen(
        state.digests, freeze.digests(context.network.model), stage.parts.movable
    )
    if unmoved and state.epoch:
        logging.warning(
            "stage %s: %d trainable variables did not move: %s",
            context.stages[state.stage].unfreeze,
            len(unmoved),
            ", ".join(unmoved[:10]),
        )
    worker_sync.require_same_weights(context)
    digests = stage.best.write()
    if digests is not None:
        state = dataclasses.replace(state, best_digests=digests)
    if _ended_early(context, state):
        stage.best.assign()
    state = _after(context, state, stage)
    hint = stage_table.input_hint(context, state.stages[-1], cache)
    if hint:
        context.reporter.say(hint)
    return state


def _ended_early(context: RunContext, state: RunState) -> bool:
    return state.epoch < context.stages[state.stage].epochs


def _after(context: RunContext, state: RunState, done: "_Stage") -> RunState:
    """Return the state at the border to the next stage."""
    stage, best = context.stages[state.stage], state.stage_best
    lines = state.history[len(state.history) - state.epoch :]
    busy = sum(line["seconds"] for line in lines) or 1e-9
    waits = [line["input_wait_fraction"] for line in lines]
    waited = sum(
        (w or 0.0) * line["seconds"] for w, line in zip(waits, lines, strict=True)
    )
    entry = {
        "name": stage.unfreeze,
        "epochs": state.epoch,
        "seconds": round(state.stage_seconds, 3),
        "images_per_second": round(len(context.splits.train) * state.epoch / busy, 1),
        "input_wait_fraction": None if None in waits else round(waited / busy, 4),
        "trainable_parameters": sum(
            int(np.prod(v.shape)) for v in done.parts.trainable
        ),
        "cached": done.cached,
        "best_epoch": best.epoch + 1 if best else None,
        "val_accuracy": best.val_accuracy if best else None,
    }
    return dataclasses.replace(
        state,
        stage=state.stage + 1,
        epoch=0,
        step=0,
        stale_epochs=0,
        stage_best=None,
        stages=(*state.stages, entry),
        stage_seconds=0.0,
        seconds=context.seconds(),
        digests={},
    )


class _Stage:
    """The parts of one stage, and the tensors that a checkpoint of it holds."""

    def __init__(
        self, context: RunContext, state: RunState, cache: StageCache | None
    ) -> None:
        config, index = context.config, state.stage
        spec = context.stages[index]
        steps = spec.epochs * context.steps_per_epoch
        self._session = context
        self._paths = network.stable_paths(context.network.model)
        self.cached = cache is not None
        schedule = optimizers.StageSchedule(
            context.peak_rate(index) * state.rate_scale,
            total_steps=steps,
            warmup_steps=round(config.warmup_fraction * steps),
            kind=config.schedule,
        )
        training = stage_training.prepare(
            context, index, schedule=schedule, is_cached=self.cached
        )
        self.parts, self.optimizer = training.parts, training.optimizer
        self._step = training.step
        self.best = BestWeights(context, self.parts.movable)
        scorer = Evaluator(
            context.task,
            self.parts.tail,
            trunk=self.parts.trunk,
            devices=context.devices,
        )
        self.loop = StageLoop(
            config,
            spec,
            self._step,
            scorer,
            data=stage_setup.stage_data(context, index, cache),
            outlets=Outlets(
                context.reporter,
                context.recorder,
                context.callbacks,
                context.interrupt,
                context.devices,
                context.startup,
                self._save,
            ),
            schedule=schedule,
        )

    def begin(self, state: RunState) -> RunState:
        """Note what the proof compares with, and save the start of the stage."""
        state = dataclasses.replace(
            state, digests=freeze.digests(self._session.network.model)
        )
        if self._session.devices.is_chief:
            frozen = self._paths.keys() - self.parts.movable
            arrays = {f"model/{p}": self._paths[p].numpy() for p in frozen}
            checkpoints.save_frozen(self._session.run, state.stage, arrays)
        self._save(state)
        return state

    def restore(self, arrays: Arrays) -> None:
        """Put every tensor back where the checkpoint had it."""
        checkpoints.assign(self._paths, arrays, prefix="model/")
        for prefix, variables in self._slots():
            checkpoints.assign(variables, arrays, prefix=prefix)
        self.best.restore(arrays)

    def _slots(self) -> list[tuple[str, dict[str, Any]]]:
        optimizer = {f"{i:05d}": v for i, v in enumerate(self.optimizer.variables)}
        averages = {f"{i:05d}": v for i, v in enumerate(self._step.averages)}
        return [("optimizer/", optimizer), ("average/", averages)]

    def _save(self, state: RunState) -> None:
        """Write a checkpoint of the stage (the chief does)."""
        arrays = {f"model/{p}": self._paths[p].numpy() for p in self.parts.movable}
        for name, value in arrays.items():
            if not np.isfinite(value).all():
                raise errors.NotFiniteError(f"{name} is not finite after an update.")
        if not self._session.devices.is_chief:
            return
        for prefix, variables in self._slots():
            arrays.update({prefix + k: v.numpy() for k, v in variables.items()})
        arrays.update(self.best.arrays())
        state = dataclasses.replace(state, seconds=self._session.seconds())
        checkpoints.save(
            self._session.run, Snapshot(state, arrays), versions=environment.versions()
        )
