"""Stored outputs of frozen trunks: which stages have them, and how they are filled.

The trunk of a later stage ends before the trunk of an earlier one, and nothing below a
cut trains before its stage. So one pass through the longest trunk gives the features of
all stages.
"""

import dataclasses
import itertools
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import psutil

from kft.data.examples import Examples
from kft.model import split
from kft.training.feature_cache import cache_key, placement, trunk_pass
from kft.training.feature_cache.feature_store import (
    DiskStore,
    Features,
    Layout,
    in_memory,
)
from kft.training.feature_cache.placement import (
    CacheRequest,
    FreeSpace,
    Placement,
)
from kft.training.run_context import RunContext

_TRAIN, _VALIDATION = "train", "validation"
# The first batch pays for tracing, the second for warming up the input pipeline.
_UNTIMED, _TIMED = 2, 3


@dataclasses.dataclass(frozen=True)
class StageCache:
    """The stored features of one stage; validation is None without such a split."""

    train: Features
    validation: Features | None


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A trunk that one or more stages train on.

    Attributes:
        anchor: the layer that ends it.
        outputs: the tensors of the cut.
        layout: of the features of one example.
        need: what caching takes and gives.
    """

    anchor: str
    outputs: list[keras.KerasTensor]
    layout: Layout
    need: CacheRequest


def trunks(context: RunContext, first_stage: int) -> tuple[Trunk, ...]:
    """Return the trunks of the stages from `first_stage` on, the longest first."""
    epochs: dict[str, int] = {}
    for stage, depth in zip(context.stages, context.depths, strict=True):
        anchor = context.network.anchor(depth)
        if anchor is not None:
            epochs[anchor] = epochs.get(anchor, 0) + stage.epochs
    ahead = [context.network.anchor(depth) for depth in context.depths[first_stage:]]
    return tuple(
        _trunk(context, anchor, epochs[anchor])
        for anchor in dict.fromkeys(ahead)
        if anchor is not None
    )


def _trunk(context: RunContext, anchor: str, epochs: int) -> Trunk:
    outputs = split.split_at(context.network.model, anchor).trunk.outputs
    config = context.config
    layout = Layout(
        shapes=tuple(tuple(tensor.shape[1:]) for tensor in outputs),
        dtypes=tuple(keras.backend.standardize_dtype(t.dtype) for t in outputs),
        stored=None if config.cache_dtype == "float32" else config.cache_dtype,
    )
    rows = sum(_rows(context).values())
    return Trunk(
        anchor,
        outputs,
        layout,
        CacheRequest(anchor, rows * layout.bytes_per_example(), epochs),
    )


def _views(context: RunContext) -> int:
    return context.config.cached_views or 1


def _rows(context: RunContext) -> dict[str, int]:
    """Return the rows that a store of each split has."""
    rows = {_TRAIN: len(context.splits.train) * _views(context)}
    if context.splits.validation is not None and len(context.splits.validation):
        rows[_VALIDATION] = len(context.splits.validation)
    return rows


def choose(context: RunContext, found: Sequence[Trunk]) -> tuple[Placement, ...]:
    """Return where the features of each trunk go, by what is free now."""
    config = context.config
    free = context.devices.exchange(
        [
            psutil.virtual_memory().available,
            shutil.disk_usage(_cache_root(context)).free,
        ]
    )
    # All workers have to choose the same.
    memory, disk = free.min(axis=0).astype(int).tolist()
    room = FreeSpace(memory=memory, disk=disk)
    return placement.choose(
        [_need(context, trunk) for trunk in found],
        mode=config.feature_cache,
        room=room,
        augmented=context.task.inputs.is_augmented,
        views=config.cached_views,
        shared=config.cache_dir is not None,
    )


def _need(context: RunContext, trunk: Trunk) -> CacheRequest:
    """Return what a trunk needs, by what other runs have stored of it before."""
    if context.config.cache_dir is None:
        return trunk.need
    # All workers have to choose the same.
    is_missing = context.devices.any(not _store(context, trunk).is_complete())
    return dataclasses.replace(trunk.need, is_stored=not is_missing)


def _store(context: RunContext, trunk: Trunk) -> DiskStore:
    key = cache_key.trunk_key(context, trunk.anchor, trunk.layout)
    return DiskStore(_cache_root(context), key)


def _cache_root(context: RunContext) -> Path:
    shared = context.config.cache_dir
    root = Path(shared) if shared else context.run.path / "cache"
    if shared and context.devices.num_workers > 1:
        # They may all see this folder, and each fills its own store.
        root = root / f"worker-{context.devices.worker}"
    root.mkdir(parents=True, exist_ok=True)
    return root


class CacheBuilder:
    """Fills the stores of all cached trunks in one pass; the plan comes in between.

    `start` runs a few batches, from whose time the plan can say what the cache saves;
    `finish` goes on from there.
    """

    def __init__(
        self, context: RunContext, found: Sequence[Trunk], choices: Sequence[Placement]
    ) -> None:
        self._session = context
        self._views = _views(context)
        self._stores: list[DiskStore] = []
        self._caches: dict[str, StageCache] = {}
        self._missing: list[tuple[Trunk, StageCache]] = []
        for trunk, choice in zip(found, choices, strict=True):
            if choice.where:
                self._open(trunk, on_disk=choice.where == "disk")
        self._work = self._fill()

    def _open(self, trunk: Trunk, *, on_disk: bool) -> None:
        """Take the features of a trunk from disk, or note that they are to be made."""
        layouts = {
            name: (trunk.layout, rows) for name, rows in _rows(self._session).items()
        }
        ready, store = None, None
        if on_disk:
            store = _store(self._session, trunk)
            ready = store.load(layouts)
            if self._session.devices.any(ready is None):
                # All workers take part in filling one.
                ready = None
        if ready is None:
            made = store.create(layouts) if store else None
            parts = made or {n: in_memory(*where) for n, where in layouts.items()}
        else:
            parts = ready
        cache = StageCache(parts[_TRAIN], parts.get(_VALIDATION))
        self._caches[trunk.anchor] = cache
        if ready is None:
            self._missing.append((trunk, cache))
            if store:
                self._stores.append(store)

    def start(self) -> float:
        """Run the first batches; return the seconds per example, 0 without a pass."""
        ends = [
            (time.monotonic(), done)
            for done in itertools.islice(self._work, _UNTIMED + _TIMED)
        ]
        if len(ends) <= _UNTIMED:
            return 0.0
        (first, before), (last, after) = ends[_UNTIMED - 1], ends[-1]
        return (last - first) / (after - before)

    def finish(self) -> dict[str, StageCache]:
        """Fill what is missing and return the caches by anchor."""
        total = sum(_rows(self._session).values()) if self._missing else 0
        with self._session.reporter.epoch("frozen trunk, once", total) as bar:
            for done in self._work:
                bar.update(done, {})
        return self._caches

    def _fill(self) -> Iterator[int]:
        """Fill the stores; yield after each batch how many examples are done.

        Raises:
            errors.Interrupted: after a signal; what is stored so far is discarded.
        """
        if not self._missing:
            return
        one_pass = trunk_pass.TrunkPass(
            self._session, [trunk.outputs for trunk, _ in self._missing]
        )
        done = 0
        try:
            for name, view, examples in self._parts():
                first = view * len(examples)
                batches = one_pass.run(examples, view=view, training=name == _TRAIN)
                for groups in batches:
                    self._write(name, first, groups)
                    count = len(groups[0][0])
                    first, done = first + count, done + count
                    yield done
                    self._session.interrupt.check()
            for store in self._stores:
                store.complete()
        finally:
            for store in self._stores:
                store.discard()

    def _write(self, name: str, first: int, groups: list[list[np.ndarray]]) -> None:
        for (_, cache), tensors in zip(self._missing, groups, strict=True):
            target = cache.train if name == _TRAIN else cache.validation
            target.write(first, tensors)

    def _parts(self) -> list[tuple[str, int, Examples]]:
        splits = self._session.splits
        parts = [(_TRAIN, view, splits.train) for view in range(self._views)]
        if _VALIDATION in _rows(self._session):
            parts.append((_VALIDATION, 0, splits.validation))
        return parts
