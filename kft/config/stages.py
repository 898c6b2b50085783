"""Stages of fine-tuning as data: parse, format, check.

A stage unfreezes the network from a cut upwards. How much that is, is one number, the
depth: how many of the backbone's blocks train, counted from the head. Depth 0 is the
head alone, depth k the last k blocks, and one more than the number of blocks is
everything, the stem included.
"""

import dataclasses
import math
import re
from collections.abc import Sequence

from kft import errors

HEAD = "head"
ALL = "all"
_GRAMMAR = "WHAT:EPOCHS or WHAT:EPOCHS@LEARNING_RATE, such as head:5@1e-2"
_STAGE = re.compile(r"(?P<what>[^:@,\s]+):(?P<epochs>\d{1,9})(?:@(?P<rate>[^:@,\s]+))?")
_TOP = re.compile(r"top([1-9]\d{0,3})")


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes:
        unfreeze: `head`, a block or group of blocks, `top<k>`, or `all`.
        epochs: passes over the training split, at least 1.
        learning_rate: peak rate; None means the run's `--learning_rate`.
    """

    unfreeze: str
    epochs: int
    learning_rate: float | None = None


@dataclasses.dataclass(frozen=True)
class Blocks:
    """Names of the places where a backbone can be cut.

    Attributes:
        names: blocks from the input upwards; cutting at one trains it and all above.
        groups: names for several blocks in a row, with the lowest block of each.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, str], ...] = ()

    def depth(self, name: str) -> int | None:
        """Return how many blocks train when `name` is unfrozen, None if unknown."""
        lowest = dict(self.groups).get(name, name)
        if lowest in self.names:
            return len(self.names) - self.names.index(lowest)
        return None


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Return the stages that the flag `--stages` describes.

    Raises:
        errors.ConfigError: naming the part that is not understood.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(_parse_stage(part, text) for part in parts)


def _parse_stage(part: str, text: str) -> Stage:
    match = _STAGE.fullmatch(part)
    if not match:
        raise errors.ConfigError(
            f"--stages: expected {_GRAMMAR}, received {part!r} in {text!r}."
        )
    epochs = int(match["epochs"])
    if epochs < 1:
        raise errors.ConfigError(
            f"--stages: expected at least 1 epoch, received {part!r}."
        )
    return Stage(match["what"], epochs, _parse_rate(match["rate"], part))


def _parse_rate(text: str | None, part: str) -> float | None:
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise errors.ConfigError(
            "--stages: expected a learning rate above 0 after '@', such as 1e-2, "
            f"received {part!r}."
        )
    return rate


def format_stages(stages: Sequence[Stage]) -> str:
    """Return the flag that `parse_stages` turns into `stages`."""
    return ",".join(
        f"{stage.unfreeze}:{stage.epochs}"
        + ("" if stage.learning_rate is None else f"@{stage.learning_rate!r}")
        for stage in stages
    )


def stage_depth(stage: Stage, blocks: Blocks) -> int:
    """Return how many blocks the stage trains, counted from the head.

    Raises:
        errors.ConfigError: where the backbone has no such cut; lists the legal ones.
    """
    if stage.unfreeze == HEAD:
        return 0
    if stage.unfreeze == ALL:
        return len(blocks.names) + 1
    top = _TOP.fullmatch(stage.unfreeze)
    if top and int(top[1]) <= len(blocks.names):
        return int(top[1])
    depth = blocks.depth(stage.unfreeze)
    if depth is None:
        raise errors.ConfigError(_unknown_cut(stage.unfreeze, blocks))
    return depth


def _unknown_cut(name: str, blocks: Blocks) -> str:
    groups = [group for group, _ in blocks.groups]
    tops = [f"top1..top{len(blocks.names)}"] if blocks.names else []
    legal = [HEAD, *groups, *blocks.names, *tops, ALL]
    near = errors.closest(name, [HEAD, *groups, *blocks.names, ALL], most=0)
    return (
        f"--stages: this backbone has no cut {name!r}. {near}{near and ' '}"
        f"Possible values: {', '.join(legal)}."
    )


def check_stages(stages: Sequence[Stage], blocks: Blocks) -> tuple[int, ...]:
    """Return the depth of each stage.

    Raises:
        errors.ConfigError: for a cut that the backbone has not, or a stage that would
            freeze again what an earlier one unfroze.
    """
    depths = tuple(stage_depth(stage, blocks) for stage in stages)
    for earlier, later in zip(range(len(stages)), range(1, len(stages)), strict=False):
        if depths[later] < depths[earlier]:
            raise errors.ConfigError(
                f"--stages: {stages[later].unfreeze!r} comes after "
                f"{stages[earlier].unfreeze!r} but trains less; stages never freeze "
                "again what was unfrozen. Order them from the head downwards."
            )
    return depths
