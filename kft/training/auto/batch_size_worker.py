"""The child process of `--batch_size=auto`: real steps of the largest stage.

It reads a config from standard input and writes a line of JSON to standard output.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import tensorflow as tf

from kft import errors, tasks
from kft.config import RunConfig
from kft.data import class_weights
from kft.data.examples import Splits
from kft.distribution import runtime
from kft.distribution.replicas import Devices
from kft.model.network import Network
from kft.run_folder import run_dir
from kft.training import (
    optimizers,
    out_of_memory,
    run_context,
    setup,
    stage_setup,
)
from kft.training.auto.batch_size import Trial, batches
from kft.training.run_context import RunIO

MOST = 1024
_STEPS = 2
# On Linux; how willing the kernel is to kill this process for lack of memory.
_KILL_ME_FIRST = Path("/proc/self/oom_score_adj")
# On Linux getrusage's ru_maxrss begins at the peak of the process that started this
# one: it outlives fork and exec. What this file says is of this program alone.
_STATUS = Path("/proc/self/status")


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    config = tasks.config_from_dict(asked["config"])
    try:
        answer: dict[str, Any] = dataclasses.asdict(measure(config, asked["largest"]))
    except errors.KftError as error:
        answer = {"error": _public_name(error), "message": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def _public_name(error: errors.KftError) -> str:
    """Return the name of the nearest class of `kft.errors` that takes a message."""
    names = (
        cls.__name__
        for cls in type(error).__mro__
        if vars(errors).get(cls.__name__) is cls and "__init__" not in vars(cls)
    )
    return str(next(names))


def measure(config: RunConfig, largest: int) -> Trial:
    """Return what steps of the largest stage need on this machine's devices.

    Args:
        config: of the run; its batch size is not read.
        largest: batch that may be tried on a CPU.
    """
    devices = runtime.start(config, seed=config.seed)
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    with devices.strategy.scope():
        network, _ = setup.build_network(config, task, weights="none")
    # Mixed examples are taken two by two.
    smallest = devices.replicas * (1 if task.inputs.mix() is None else 2)
    limit = largest_batch(len(splits.train), smallest)

    def run(batch_size: int) -> None:
        sized = dataclasses.replace(config, batch_size=batch_size)
        _run_steps(sized, splits, network, devices)

    if limit <= smallest:
        return Trial(limit, fits=limit)
    if tf.config.list_logical_devices("GPU"):
        return Trial(limit, fits=halve(run, limit, smallest=smallest))
    if _KILL_ME_FIRST.exists():
        _KILL_ME_FIRST.write_text("1000", encoding="ascii")
    large = largest_batch(min(largest * devices.replicas, limit), smallest)
    small = max(large // 4, smallest)
    measured = tuple((n, _peak(run, n)) for n in (small, large))
    return Trial(limit, smallest=smallest, measured=measured)


def largest_batch(examples: int, smallest: int) -> int:
    """Return the largest batch to think of: the smallest times a power of two."""
    times = max(min(examples, MOST) // smallest, 1)
    return smallest << (times.bit_length() - 1)


def halve(run: Callable[[int], None], limit: int, *, smallest: int) -> int | None:
    """Return the first of limit, limit / 2, ... that has the memory to run, or None."""
    for size in batches(limit, smallest):
        try:
            run(size)
            return size
        except (tf.errors.OpError, MemoryError) as error:
            if not out_of_memory.is_out_of_memory(error):
                raise
    return None


def _peak(run: Callable[[int], None], batch_size: int) -> int:
    """Return the peak memory after steps with a batch, in bytes."""
    run(batch_size)
    return peak_memory()


def peak_memory() -> int:
    """Return the largest memory that this process has had, in bytes."""
    if _STATUS.exists():
        status = _STATUS.read_text(encoding="utf-8")
        return kilobytes(status, "VmHWM") * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def kilobytes(status: str, field: str) -> int:
    """Return the number of a field of Linux' `/proc/PID/status`."""
    return next(
        int(line.split()[1])
        for line in status.splitlines()
        if line.startswith(f"{field}:")
    )


def _run_steps(
    config: RunConfig, splits: Splits, network: Network, devices: Devices
) -> None:
    """Train some steps of the stage that trains most, on a trunk that runs live."""
    task = tasks.get(config, splits.labels)
    context = run_context.build(
        config,
        run_dir.at(""),
        devices,
        io=RunIO.silent(),
        task=task,
        splits=setup.prepared(splits, task),
        network=network,
        class_weights=class_weights.find(config, splits),
    )
    index = context.depths.index(max(context.depths))
    steps = min(_STEPS, context.stages[index].epochs * context.steps_per_epoch)
    with devices.strategy.scope():
        rates = optimizers.StageSchedule(
            context.peak_rate(index), total_steps=steps, warmup_steps=0, kind="constant"
        )
        step = stage_setup.stage_training(
            context, index, schedule=rates, is_cached=False
        ).step
    batches = stage_setup.stage_data(context, index, None).train(0, 0)
    step.train(iter(batches), steps)


if __name__ == "__main__":
    main()
