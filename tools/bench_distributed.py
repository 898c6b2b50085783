"""How well several processes share the work of one, measured here and predicted beyond.

  python tools/bench_distributed.py
  python tools/bench_distributed.py --gigabits=25 --milliseconds=0.05 --hosts=512

Measured: kft's own training step on images in memory, in one process with one thread
on one core, then in two such processes on two cores that train together over loopback,
each with as many examples as the one had. Efficiency is the images per second
of both, divided by twice those of the one. Two such processes that have nothing to do
with each other run as well: cores share caches, memory and clock, and what those two
lose against one alone is the machine's, not kft's. The cores have to be free: the load
of the machine is printed. CPU seconds per step, which other programs do not change, say
how much of it is work for the network.

Predicted, for a network between the hosts: a step on n hosts takes the measured step
time t plus a ring all-reduce of S bytes of gradients,

  2 (n - 1) / n * S / bandwidth + 2 (n - 1) * latency

(Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms for clusters of
workstations, J. Parallel Distrib. Comput. 69, 2009, section 4), with nothing of it
hidden behind the computation. Efficiency is t divided by that sum.
"""

import argparse
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAGES = ("head", "all")
CLASSES = 10


def main() -> None:
    """Measure one and two processes for each stage, and print the tables."""
    arguments = parse()
    if arguments.worker is not None:
        print(json.dumps(measure(arguments)))
        return
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("Two cores are needed.")
    print(
        f"{arguments.backbone}, {arguments.size} pixels, {arguments.rows} examples per "
        f"process and step, best of {arguments.repeats} runs of {arguments.steps} "
        f"steps; load before: {os.getloadavg()[0]:.1f}"
    )
    for stage in STAGES:
        (one,) = run(stage, groups=(1,))
        apart = run(stage, groups=(1, 1))
        two = run(stage, groups=(2,))[0]
        alone = 2 / sum(each["seconds"] / one["seconds"] for each in apart)
        efficiency = one["seconds"] / two["seconds"]
        print(
            f"\nstage {stage}: {one['parameters']:,} parameters train; "
            f"{one['bytes']:,} bytes are all-reduced per step\n"
            f"  1 process    {arguments.rows / one['seconds']:8.1f} images/s\n"
            f"  2 processes  {2 * arguments.rows / two['seconds']:8.1f} images/s, "
            f"efficiency {efficiency:.2f}\n"
            f"  2 processes that do not talk: efficiency {alone:.2f}\n"
            f"  CPU per step {one['cpu']:.3f} s, in each of two {two['cpu']:.3f} s"
        )
        print(prediction(arguments, seconds=one["seconds"], size=one["bytes"]))


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="EfficientNetLite0")
    parser.add_argument("--size", type=int, default=224, help="pixels a side")
    parser.add_argument("--rows", type=int, default=16, help="examples per process")
    parser.add_argument("--steps", type=int, default=5, help="in a timed run")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--gigabits", type=float, default=10.0, help="per second")
    parser.add_argument("--milliseconds", type=float, default=0.1, help="latency")
    parser.add_argument("--hosts", type=int, default=256, help="the most to predict")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--stage", default="head", help=argparse.SUPPRESS)
    return parser.parse_args()


def ring_seconds(hosts: int, *, size: int, bandwidth: float, latency: float) -> float:
    """Return how long a ring all-reduce takes, in seconds.

    Args:
        hosts: in the ring.
        size: bytes that each host has.
        bandwidth: of each link, in bytes per second.
        latency: of each message, in seconds.
    """
    rounds = 2 * (hosts - 1)
    return rounds / hosts * size / bandwidth + rounds * latency


def prediction(arguments: argparse.Namespace, *, seconds: float, size: int) -> str:
    """Return the expected efficiency for 2, 4, ... hosts as a line for each."""
    lines = [
        f"  expected with {arguments.gigabits:g} Gbit/s and "
        f"{arguments.milliseconds:g} ms between hosts like this process:"
    ]
    for power in range(1, int(math.log2(arguments.hosts)) + 1):
        hosts = 2**power
        waiting = ring_seconds(
            hosts,
            size=size,
            bandwidth=arguments.gigabits * 1e9 / 8,
            latency=arguments.milliseconds / 1e3,
        )
        lines.append(
            f"    {hosts:4d} hosts: all-reduce {waiting * 1e3:8.2f} ms, "
            f"efficiency {seconds / (seconds + waiting):.3f}"
        )
    return "\n".join(lines)


def run(stage: str, *, groups: Sequence[int]) -> list[Mapping[str, float]]:
    """Return what the chief of each group measured, all groups at the same time.

    Args:
        stage: that is trained.
        groups: how many processes train together, for each group; every process has a
            core of its own.
    """
    cores = iter(sorted(os.sched_getaffinity(0)))
    started = [
        [
            _start(
                stage,
                next(cores),
                f"--worker={worker}",
                f"--workers={size}",
                f"--port={port}",
            )
            for worker in range(size)
        ]
        for size, port in ((size, _free_port()) for size in groups)
    ]
    outputs = [[process.communicate()[0] for process in group] for group in started]
    if any(process.returncode for group in started for process in group):
        sys.exit("A process failed; its message is above.")
    return [json.loads(chief.splitlines()[-1]) for chief, *_ in outputs]


def _start(stage: str, core: int, *options: str) -> subprocess.Popen:
    """Start one process on one core, with one thread."""
    return subprocess.Popen(
        [
            *("taskset", "--cpu-list", str(core), sys.executable, *sys.argv),
            *(f"--stage={stage}", *options),
        ],
        env={
            **os.environ,
            "PYTHONPATH": ROOT,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def measure(arguments: argparse.Namespace) -> Mapping[str, float]:
    """Return the seconds per step of this process, with the others if there are any."""
    from kft.cli import startup_logs

    startup_logs.start(debug=False)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    from kft.config import TrainConfig
    from kft.data import epoch_plan, pipeline
    from kft.distribution import runtime

    together = arguments.workers > 1
    config = TrainConfig(
        backbone=arguments.backbone,
        weights="none",
        image_size=arguments.size,
        batch_size=arguments.rows * arguments.workers,
        stages=f"{arguments.stage}:1",
        coordinator=f"127.0.0.1:{arguments.port}" if together else None,
        num_workers=arguments.workers if together else None,
        worker_index=arguments.worker if together else None,
    )
    devices = runtime.start(config, seed=0)
    step, parameters = _step(config, devices)
    examples = _images(4 * config.batch_size, arguments.size)
    batches = iter(
        devices.distribute(
            lambda: pipeline.train_batches(
                examples,
                pipeline.Stored(lambda rows, length: examples.read(rows)),
                share=devices.share(config.batch_size),
                sampling=epoch_plan.SamplingConfig(seed=0),
                span=pipeline.Span(epochs=arguments.steps * (arguments.repeats + 1)),
            )
        )
    )
    step.train(batches, 1)
    seconds, cpu = [], []
    for _ in range(arguments.repeats):
        start, worked = time.monotonic(), time.process_time()
        step.train(batches, arguments.steps)
        seconds.append((time.monotonic() - start) / arguments.steps)
        cpu.append((time.process_time() - worked) / arguments.steps)
    # Gradients and the loss, in float32.
    size = 4 * (parameters + 1)
    return {
        "seconds": min(seconds),
        "cpu": min(cpu),
        "parameters": parameters,
        "bytes": size,
    }


def _step(config, devices):
    """Return the compiled step of the stage, and how many parameters it trains."""
    from kft import tasks
    from kft.config import stages as config_stages
    from kft.data.labels import LabelMap
    from kft.model import freeze
    from kft.training import optimizers
    from kft.training.train_step import StageStep

    labels = LabelMap(tuple(f"class {i}" for i in range(CLASSES)))
    task = tasks.get(config, labels)
    stages = config_stages.parse_stages(config.stages)
    with devices.strategy.scope():
        network = task.network()
        depth = config_stages.check_stages(stages, network.blocks)[0]
        parts = freeze.prepare_stage(network, depth, batch_norm="frozen")
        rates = optimizers.StageSchedule(
            1e-3, total_steps=100, warmup_steps=0, kind="constant"
        )
        optimizer = optimizers.build_optimizer(
            config, parts.trainable, schedule=rates, distances=parts.distances
        )
        step = StageStep(task, parts, optimizer, config=config, devices=devices)
    return step, sum(math.prod(v.shape) for v in parts.trainable)


def _images(count: int, size: int):
    """Return examples whose inputs are noise in memory."""
    import numpy as np
    import tensorflow as tf

    from kft.data.examples import Examples

    rng = np.random.default_rng(0)
    pixels = tf.constant(rng.integers(0, 256, (count, size, size, 3), np.uint8))
    return Examples(
        ids=np.array([f"{i:06d}" for i in range(count)]),
        labels=rng.integers(0, CLASSES, count).astype(np.int32),
        rows=np.arange(count),
        read=lambda rows: tf.gather(pixels, rows),
    )


if __name__ == "__main__":
    main()
