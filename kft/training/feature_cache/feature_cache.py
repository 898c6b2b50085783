"""Stored outputs of frozen trunks: which stages have them, and how they are filled.

The trunk of a later stage ends before the trunk of an earlier one, and nothing below a
cut trains before its stage. So one pass through the longest trunk gives the features of
all stages.
"""

import dataclasses
import functools
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import psutil

from kft.data.examples import Examples
from kft.model import split
from kft.training.feature_cache import cache_key, placement, trunk_pass
from kft.training.feature_cache.content_digests import ContentDigests
from kft.training.feature_cache.disk_store import DiskStore, StoredSplit
from kft.training.feature_cache.feature_store import (
    CutTensor,
    Features,
    Layout,
    StoreRows,
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
_UNTIMED = 2


@dataclasses.dataclass(frozen=True)
class StageCache:
    """The stored features of one stage; validation is None without such a split."""

    train: Features
    validation: Features | None

    def of_split(self, name: str) -> Features:
        """Return the features of a split.

        Raises:
            ValueError: where it has none.
        """
        found = self.train if name == _TRAIN else self.validation
        if found is None:
            raise ValueError(f"there are no features of the split {name}")
        return found


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
    anchors = [context.anchor(index) for index in range(len(context.stages))]
    for stage, anchor in zip(context.stages, anchors, strict=True):
        if anchor is not None:
            epochs[anchor] = epochs.get(anchor, 0) + stage.epochs
    ahead = anchors[first_stage:]
    return tuple(
        _trunk(context, anchor, epochs[anchor])
        for anchor in dict.fromkeys(ahead)
        if anchor is not None
    )


def _trunk(context: RunContext, anchor: str, epochs: int) -> Trunk:
    trunk = split.split_at(context.network.model, anchor).trunk
    config = context.config
    layout = Layout(
        tensors=_cut_tensors(trunk, context.task.inputs.boundaries),
        stored=None if config.cache_dtype == "float32" else config.cache_dtype,
    )
    size = sum(layout.bytes(rows) for rows in _rows(context).values())
    return Trunk(anchor, trunk.outputs, layout, CacheRequest(anchor, size, epochs))


def _cut_tensors(
    trunk: keras.Model, boundaries: Sequence[int]
) -> tuple[CutTensor, ...]:
    """Return what the tensors of a cut are for one example."""
    with_steps = [t.shape[1] is None for t in trunk.outputs if len(t.shape) > 1]
    steps: Sequence[int | None] = [None] * len(trunk.outputs)
    if any(with_steps):
        steps = _steps_of_longest(trunk, boundaries[-1])
    found = []
    for tensor, count in zip(trunk.outputs, steps, strict=True):
        shape = tuple(tensor.shape[1:])
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if shape[:1] != (None,):
            found.append(CutTensor(shape, dtype))
            continue
        if count is None:
            raise ValueError(
                f"{trunk.name}: expected an output {tensor.name} whose steps follow "
                "from those of the input, received one of unknown length"
            )
        found.append(CutTensor(shape[1:], dtype, stride=boundaries[-1] // count))
    return tuple(found)


def _steps_of_longest(trunk: keras.Model, longest: int) -> list[int | None]:
    """Return the size of the first axis of each output, for the longest input."""
    inputs = [
        keras.KerasTensor((1, longest, *t.shape[2:]), dtype=t.dtype)
        if t.shape[1:2] == (None,)
        else keras.KerasTensor((1, *t.shape[1:]), dtype=t.dtype)
        for t in trunk.inputs
    ]
    outputs = keras.tree.flatten(trunk.compute_output_spec(inputs))
    return [tensor.shape[1] if len(tensor.shape) > 1 else None for tensor in outputs]


def _views(context: RunContext, split: str) -> int:
    """Return how many views of each example a split has: of training, augmented."""
    if split != _TRAIN:
        return 1
    return context.config.cached_views or 1


def _rows(context: RunContext) -> dict[str, StoreRows]:
    """Return the rows that a store of each split has."""
    return {
        name: _rows_of(examples, _views(context, name))
        for name, examples in _splits(context).items()
    }


def _rows_of(examples: Examples, views: int) -> StoreRows:
    lengths = examples.lengths
    return StoreRows(
        len(examples) * views, None if lengths is None else np.tile(lengths, views)
    )


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
    root = Path(shared) if shared else context.run.features
    if shared and context.devices.num_workers > 1:
        # They may all see this folder, and each fills its own store.
        root = root / f"worker-{context.devices.worker}"
    root.mkdir(parents=True, exist_ok=True)
    return root


@dataclasses.dataclass(frozen=True)
class _Opened:
    """The cache of a trunk: read from a store, or still to be filled.

    Attributes:
        trunk: whose features they are.
        cache: of both splits.
        store: on disk; None in memory.
        is_ready: whether nothing is left to do.
    """

    trunk: Trunk
    cache: StageCache
    store: DiskStore | None
    is_ready: bool


@dataclasses.dataclass(frozen=True)
class FilledCaches:
    """The stored features of a run.

    Attributes:
        by_anchor: of each trunk that is cached, by the layer that ends it.
        seconds_per_example: of the pass that filled them; 0 where there was none.
    """

    by_anchor: Mapping[str, StageCache]
    seconds_per_example: float


def fill(
    context: RunContext, found: Sequence[Trunk], choices: Sequence[Placement]
) -> FilledCaches:
    """Run the frozen trunk on every example once, and keep what it gives.

    One pass fills all stores that are not there yet.

    Raises:
        errors.Interrupted: after a signal; what is stored so far is discarded.
    """
    contents = {name: ContentDigests(part) for name, part in _splits(context).items()}
    opened = [
        _open(context, trunk, contents if choice.where == "disk" else None)
        for trunk, choice in zip(found, choices, strict=True)
        if choice.where
    ]
    caches = {one.trunk.anchor: one.cache for one in opened}
    missing = [one for one in opened if not one.is_ready]
    if not missing:
        return FilledCaches(caches, 0.0)
    stores = [one.store for one in missing if one.store]
    try:
        seconds = _run_trunk(context, missing, contents if stores else None)
        for store in stores:
            store.complete({name: one.digests for name, one in contents.items()})
    finally:
        for store in stores:
            store.discard()
    return FilledCaches(caches, seconds)


def _open(
    context: RunContext, trunk: Trunk, contents: Mapping[str, ContentDigests] | None
) -> _Opened:
    """Take the features of a trunk from disk, or make room for them.

    Args:
        context: of the run.
        trunk: whose features they are.
        contents: of each split, for a store on disk; None for one in memory.
    """
    layouts = {name: (trunk.layout, rows) for name, rows in _rows(context).items()}
    store, parts = None, None
    if contents is not None:
        store = _store(context, trunk)
        stored = store.load(layouts)
        if stored and not _is_of(context, stored, contents):
            store.remove("are of examples that have changed since")
            stored = None
        # All workers take part in filling one.
        if not context.devices.any(stored is None) and stored:
            parts = {name: one.features for name, one in stored.items()}
    is_ready = parts is not None
    if parts is None:
        parts = store.create(layouts) if store else _in_memory(layouts)
    cache = StageCache(parts[_TRAIN], parts.get(_VALIDATION))
    return _Opened(trunk, cache, store, is_ready=is_ready)


def _is_of(
    context: RunContext,
    stored: Mapping[str, StoredSplit],
    contents: Mapping[str, ContentDigests],
) -> bool:
    """Return whether the examples are what they were when features were stored."""
    for name, digests in contents.items():
        of_split, count = stored[name].contents, len(digests.digests)
        with context.io.reporter.epoch(f"stored features, {name}", count) as bar:
            advance = functools.partial(bar.update, logs={})
            if not digests.match(of_split, advance=advance):
                return False
    return True


def _in_memory(layouts: Mapping[str, tuple[Layout, StoreRows]]) -> dict[str, Features]:
    return {name: in_memory(*where) for name, where in layouts.items()}


def _run_trunk(
    context: RunContext,
    missing: Sequence[_Opened],
    contents: Mapping[str, ContentDigests] | None,
) -> float:
    """Fill the stores; return the seconds that an example took.

    Args:
        context: of the run.
        missing: the stores.
        contents: of each split, to note in what the features are made of; None where
            nobody will ask.
    """
    one_pass = trunk_pass.TrunkPass(context, [one.trunk.outputs for one in missing])
    total = sum(rows.count for rows in _rows(context).values())
    ends: list[tuple[float, int]] = []
    done = 0
    with context.io.reporter.epoch("frozen trunk, once", total) as bar:
        for name, view, examples in _parts(context):
            noted = contents[name].noting() if contents else examples
            batches = one_pass.run(noted, view=view, training=name == _TRAIN)
            for positions, groups in batches:
                rows = positions + view * len(examples)
                for one, tensors in zip(missing, groups, strict=True):
                    one.cache.of_split(name).write(rows, tensors)
                done += len(positions)
                ends.append((time.monotonic(), done))
                bar.update(done, {})
                context.io.signals.check()
    if len(ends) <= _UNTIMED:
        return 0.0
    (first, before), (last, after) = ends[_UNTIMED - 1], ends[-1]
    return (last - first) / (after - before)


def _parts(context: RunContext) -> list[tuple[str, int, Examples]]:
    """Return the passes: the name of a split, which view, and its examples."""
    return [
        (name, view, examples)
        for name, examples in _splits(context).items()
        for view in range(_views(context, name))
    ]


def _splits(context: RunContext) -> dict[str, Examples]:
    """Return the splits that have features, by name."""
    found = {_TRAIN: context.splits.train}
    if context.splits.validation is not None and len(context.splits.validation):
        found[_VALIDATION] = context.splits.validation
    return found
