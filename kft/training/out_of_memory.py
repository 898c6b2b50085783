"""Memory that ran out: what it looks like in TensorFlow, and what to do about it."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

import tensorflow as tf

from kft import errors, tasks
from kft.config import RunConfig
from kft.tasks.task_kind import MemoryAdvice

# TensorFlow's error for a full disk is the same as for full memory.
_DISK = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT))
# Where a copy to a GPU finds no room, TensorFlow (2.21) calls that internal.
_INTERNAL = re.compile(
    "out of memory|OUT_OF_MEMORY|failed to allocate memory|Dst tensor is not init",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there is no memory left."""
    text = str(error)
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return not any(disk in text for disk in _DISK)
    if isinstance(error, tf.errors.InternalError):
        return _INTERNAL.search(text) is not None
    return isinstance(error, MemoryError)


@contextlib.contextmanager
def explaining(config: RunConfig) -> Iterator[None]:
    """Turn errors of the block about memory or a full disk into ones that help.

    Raises:
        errors.TrainingError: where memory ran out.
        errors.RunDirError: where TensorFlow found no room on the disk.
    """
    try:
        yield
    except (
        tf.errors.ResourceExhaustedError,
        tf.errors.InternalError,
        MemoryError,
    ) as error:
        if is_out_of_memory(error):
            raise errors.TrainingError(message(config, str(error))) from error
        if isinstance(error, tf.errors.ResourceExhaustedError):
            raise errors.RunDirError(
                f"{_first_line(str(error))}: there is no space left on the device. "
                "What was saved before is intact. Make room, then repeat the same "
                "command."
            ) from error
        raise


def message(config: RunConfig, said: str) -> str:
    """Return what to do where memory ran out.

    Args:
        config: of the run.
        said: by whoever noticed.
    """
    own = tasks.kind(config.task).memory_advice(config)
    setting = f" and {own.setting}" if own else ""
    lines = [
        f"Memory ran out with --batch_size={config.batch_size}{setting}. What takes "
        "less, in a new --run_dir:",
        *(f"  {line}" for line in _advice(config, own)),
        f"It was noticed by: {_first_line(said)}",
    ]
    return "\n".join(lines)


def _advice(config: RunConfig, own: MemoryAdvice | None) -> Iterator[str]:
    batch = config.batch_size
    if isinstance(batch, int) and batch > 1:
        yield f"--batch_size={batch // 2} or less; auto finds the largest that trains"
        parts = next_divisor(batch, config.accumulation_steps)
        if parts is not None:
            same = (
                "the same update of the weights"
                if config.batch_norm == "frozen"
                else "the same update, but for BatchNorm, which sees parts of a batch"
            )
            yield f"--accumulation_steps={parts} with this --batch_size: {same}"
    if own is not None:
        yield from own.lines
    if config.feature_cache in ("auto", "memory"):
        yield "--feature_cache=disk, or off, where features are kept in memory"


def next_divisor(batch_size: int, parts: int) -> int | None:
    """Return the smallest divisor of a batch above `parts`, or None."""
    larger = range(parts + 1, batch_size + 1)
    return next((n for n in larger if not batch_size % n), None)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().split("\n")]
    return lines[0][:300] if lines[0] else "the operating system"
