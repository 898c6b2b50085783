"""kft's training step against a bare tf.function step, on the same tensors, in one run.

  python tools/bench_step.py --backbones=ResNet50,MobileNetV2
  python tools/bench_step.py --batch_size=256 --precision=bfloat16 --jit=on

For each backbone the head, the upper half and all of the network train on random
images. The bare step is a gradient and an update by plain Keras SGD in one tf.function,
on the same trunk and tail, with one batch that lies on the device; XLA compiles all of
it where it compiles the passes of kft's. kft's is `StageStep.train`, with its sums,
checks and host calls, on batches out of tf.data. The two take turns, and the medians
are compared.
"""

import argparse
import itertools
import json
import os
import statistics
import time
from pathlib import Path


def main() -> None:
    """Measure, print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", default="ResNet50,MobileNetV2")
    parser.add_argument("--trains", default="head,half,all", help="of each backbone")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--jit", default="off", choices=("auto", "on", "off"))
    parser.add_argument("--devices", default=None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="per round")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.backbones.split(","):
        for part in arguments.trains.split(","):
            rows.append(_measure(name, part, arguments))
            print(json.dumps(rows[-1]), flush=True)
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=1))


def _measure(name: str, part: str, arguments: argparse.Namespace) -> dict[str, object]:
    import tensorflow as tf

    from kft import tasks
    from kft.config import TrainConfig
    from kft.data.labels import LabelMap
    from kft.distribution import runtime
    from kft.model import freeze
    from kft.training import optimizers
    from kft.training.train_step import StageStep

    size, batch_size = arguments.image_size, arguments.batch_size
    config = TrainConfig(
        backbone=name,
        image_size=size,
        batch_size=batch_size,
        precision=arguments.precision,
        jit=arguments.jit,
        devices=arguments.devices,
    )
    devices = runtime.start(config, seed=0)
    task = tasks.get(config, LabelMap(tuple("abcde")))
    network = task.network(weights="none")
    blocks = len(network.blocks.names)
    depth = {"head": 0, "half": blocks // 2, "all": blocks + 1}[part]
    parts = freeze.prepare_stage(network, depth, batch_norm="frozen")
    schedule = optimizers.StageSchedule(
        1e-3, total_steps=1000, warmup_steps=0, kind="cosine"
    )
    optimizer = optimizers.build_optimizer(
        config, parts.trainable, schedule=schedule, distances=parts.distances
    )
    step = StageStep(task, parts, optimizer, config=config, devices=devices)
    images = tf.cast(tf.random.uniform((batch_size, size, size, 3), 0, 255), tf.uint8)
    labels = tf.random.uniform((batch_size,), 0, 5, tf.int32)
    weights = tf.fill((batch_size,), 1.0 / batch_size)
    batches = iter(tf.data.Dataset.from_tensors((images, labels, weights)).repeat())
    bare = _bare_step(parts, images, labels, jit=devices.uses_xla(config))
    seconds = _take_turns(
        lambda: step.train(batches, arguments.steps),
        lambda: bare(tf.constant(arguments.steps)),
        rounds=arguments.rounds,
    )
    rates = [arguments.steps * batch_size / s for s in seconds]
    return {
        "backbone": name,
        "trains": part,
        "precision": arguments.precision,
        "jit": arguments.jit,
        "kft_images_per_second": round(rates[0], 1),
        "bare_images_per_second": round(rates[1], 1),
        "ratio": round(rates[0] / rates[1], 3),
    }


def _take_turns(first, second, *, rounds: int) -> list[float]:
    """Return the median seconds of each; the first turn of both is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn, (rank, call) in itertools.product(
        range(rounds + 1), enumerate((first, second))
    ):
        start = time.perf_counter()
        call()
        if turn:
            times[rank].append(time.perf_counter() - start)
    return [statistics.median(values) for values in times]


def _bare_step(parts, images, labels, *, jit: bool):
    import keras
    import tensorflow as tf

    from kft.model import split

    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9)
    optimizer.build(list(parts.trainable))

    @tf.function(jit_compile=jit)
    def step():
        features = split.tail_inputs(parts.trunk, images)
        with tf.GradientTape() as tape:
            logits = parts.tail(features, training=True)
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(
                    labels, logits, from_logits=True
                )
            )
        gradients = tape.gradient(loss, [v.value for v in parts.trainable])
        optimizer.apply(gradients, list(parts.trainable))
        return tf.cast(loss, tf.float32)

    @tf.function
    def run(steps):
        loss = tf.constant(0.0)
        for _ in tf.range(steps):
            loss = step()
        return loss

    return lambda steps: float(run(steps))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
