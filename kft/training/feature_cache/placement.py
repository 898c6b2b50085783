"""The choice of which trunks to cache, and where: arithmetic, without TensorFlow."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

# Shares of what is free that the features may take. Memory is also needed by the
# gradients of the tail and by the input pipeline.
_MEMORY_SHARE = 0.5
_DISK_SHARE = 0.8

Where = Literal["memory", "disk"]


@dataclasses.dataclass(frozen=True)
class CacheRequest:
    """What caching one trunk takes and gives.

    Attributes:
        anchor: the layer that ends the trunk.
        bytes: of the features of all examples and views.
        epochs: of the stages that train on this trunk.
        is_stored: whether complete features are on the disk of the cache already.
    """

    anchor: str
    bytes: int
    epochs: int
    is_stored: bool = False

    @property
    def disk_bytes(self) -> int:
        """Return what the disk still has to take."""
        return 0 if self.is_stored else self.bytes


@dataclasses.dataclass(frozen=True)
class FreeSpace:
    """Free bytes in memory and on the disk of the cache."""

    memory: int
    disk: int


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the features of one trunk go; None: nowhere, for a stated reason."""

    need: CacheRequest
    where: Where | None
    reason: str


def choose(
    needs: Sequence[CacheRequest],
    *,
    mode: Literal["auto", "memory", "disk", "off"],
    room: FreeSpace,
    augmented: bool,
    views: int | None,
    shared: bool = False,
) -> tuple[Placement, ...]:
    """Return a choice for each trunk; the smallest features get memory first.

    Args:
        needs: the trunks of the stages to come.
        mode: the flag `--feature_cache`.
        room: what is free.
        augmented: whether training examples differ from epoch to epoch.
        views: the flag `--cached_views`.
        shared: whether other runs read what this one puts on disk.
    """
    memory, disk = room.memory * _MEMORY_SHARE, room.disk * _DISK_SHARE
    chosen = {}
    for need in sorted(needs, key=lambda need: need.bytes):
        where, reason = None, _refusal(need, mode, augmented, views, shared)
        if not reason:
            where, reason = _place(need, mode, memory, disk, shared)
        if where == "memory":
            memory -= need.bytes
        if where == "disk":
            disk -= need.disk_bytes
        chosen[need.anchor] = Placement(need, where, reason)
    return tuple(chosen[need.anchor] for need in needs)


def _refusal(
    need: CacheRequest, mode: str, augmented: bool, views: int | None, shared: bool
) -> str:
    if mode == "off":
        return "--feature_cache=off"
    if augmented and views is None:
        return "augmented; see --cached_views"
    if mode == "auto" and not shared and need.epochs <= (views or 1):
        return "no epoch to save"
    return ""


def _place(
    need: CacheRequest, mode: str, memory: float, disk: float, shared: bool
) -> tuple[Where | None, str]:
    size = format_bytes(need.bytes)
    if mode == "auto" and shared and need.disk_bytes <= disk:
        # Only there do other runs find it.
        return "disk", f"disk, {size}"
    if mode == "memory" or (mode == "auto" and need.bytes <= memory):
        return "memory", f"memory, {size}"
    if mode == "disk" or need.disk_bytes <= disk:
        return "disk", f"disk, {size}"
    return None, f"{size} do not fit in memory or on disk"


def format_bytes(count: int) -> str:
    """Return a size as a person reads it, in powers of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def saved_seconds(
    choices: Sequence[Placement],
    *,
    examples: int,
    views: int,
    seconds_per_example: float,
) -> float:
    """Return about how long the cached trunks would have run more than they do.

    Args:
        choices: of one run; those that are cached share one pass.
        examples: of training and validation.
        views: stored per example.
        seconds_per_example: measured, of the longest trunk.
    """
    cached = [choice.need.epochs for choice in choices if choice.where]
    passes = sum(cached) - (views if cached else 0)
    return max(passes, 0) * examples * seconds_per_example
