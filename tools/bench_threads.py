"""Which threads the input pipeline should have on a CPU: live steps, in turns.

  python tools/bench_threads.py --data=PATH_OF_FOLDER_PER_CLASS

The head of a network trains on a trunk that runs live, on augmented images from disk:
decoding and arithmetic want the same cores. Each variant has a pipeline of its own and
the same step; they take turns, and the medians are compared with kft's own choice.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

BATCH = 32
# Private threads of the pipeline, and whether tf.data may run the parts of an element
# in parallel; None leaves it to TensorFlow.
VARIANTS: dict[str, tuple[int | None, int | None]] = {
    "kft": (None, None),
    "1 private thread": (1, 1),
    "2 private threads": (2, 1),
    "4 private threads": (4, 1),
    "shared, no inner threads": (None, 1),
}


def main() -> None:
    """Measure, print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--backbone", default="EfficientNetLite0")
    parser.add_argument("--image_size", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6, help="per round")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    rates = _measure(arguments)
    for name, rate in rates.items():
        print(f"{name:<26} {rate:7.1f} images/s  {rate / rates['kft']:.2f} of kft's")
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rates, indent=1))


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    from kft import tasks
    from kft.config import TrainConfig
    from kft.data import epoch_plan, pipeline
    from kft.distribution import runtime
    from kft.model import freeze
    from kft.training import optimizers
    from kft.training.train_step import StageStep

    config = TrainConfig(
        dataset=f"folder:{arguments.data}",
        backbone=arguments.backbone,
        weights="none",
        image_size=arguments.image_size,
        batch_size=BATCH,
        augment="standard",
    )
    devices = runtime.start(config, seed=0)
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    parts = freeze.prepare_stage(task.network(), 0, batch_norm="frozen")
    schedule = optimizers.StageSchedule(
        1e-3, total_steps=1000, warmup_steps=0, kind="constant"
    )
    optimizer = optimizers.build_optimizer(
        config, parts.trainable, schedule=schedule, distances=parts.distances
    )
    step = StageStep(task, parts, optimizer, config=config, devices=devices)
    batches = pipeline.train_batches(
        splits.train,
        task.inputs.preprocess(training=True),
        share=devices.share(BATCH),
        sampling=epoch_plan.SamplingConfig(seed=0),
        span=pipeline.Span(epochs=100),
    )
    iterators = {name: iter(_with(batches, *how)) for name, how in VARIANTS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(arguments.rounds + 1):
        for name, iterator in iterators.items():
            start = time.perf_counter()
            step.train(iterator, arguments.steps)
            # The first turn traces and fills the buffers.
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: round(arguments.steps * BATCH / statistics.median(values), 1)
        for name, values in seconds.items()
    }


def _with(batches, threads: int | None, inner: int | None):
    """Return the data set with its threads set."""
    import tensorflow as tf

    options = tf.data.Options()
    if threads is not None:
        options.threading.private_threadpool_size = threads
    if inner is not None:
        options.threading.max_intra_op_parallelism = inner
    return batches.with_options(options)


if __name__ == "__main__":
    main()
