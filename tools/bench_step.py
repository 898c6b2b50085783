"""kft's training step against a bare tf.function step, on the same tensors, in one run.

  python tools/bench_step.py --backbones=ResNet50,MobileNetV2

For each backbone the head, the upper half and all of the network train on random
images that are ready in memory. The bare step is a gradient and an update by plain
Keras SGD in one tf.function, on the same trunk and tail; kft's is `StageStep.train`,
with its sums, checks and host calls. The two take turns, and the medians are compared.
"""

import argparse
import itertools
import json
import os
import statistics
import time
from pathlib import Path

BATCH = 32


def main() -> None:
    """Measure, print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", default="ResNet50,MobileNetV2")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="per round")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.backbones.split(","):
        for part in ("head", "half", "all"):
            rows.append(_measure(name, part, arguments))
            print(json.dumps(rows[-1]), flush=True)
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=1))


def _measure(name: str, part: str, arguments: argparse.Namespace) -> dict[str, object]:
    import tensorflow as tf

    from kft import tasks
    from kft.config import TrainConfig
    from kft.data.labels import LabelMap
    from kft.distribution.replicas import Devices
    from kft.model import freeze
    from kft.training import optimizers
    from kft.training.train_step import StageStep

    size = arguments.image_size
    config = TrainConfig(backbone=name, image_size=size, batch_size=BATCH)
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
    devices = Devices(tf.distribute.get_strategy())
    step = StageStep(task, parts, optimizer, config=config, devices=devices)
    images = tf.cast(tf.random.uniform((BATCH, size, size, 3), 0, 255), tf.uint8)
    labels = tf.random.uniform((BATCH,), 0, 5, tf.int32)
    weights = tf.fill((BATCH,), 1.0 / BATCH)
    batches = iter(tf.data.Dataset.from_tensors((images, labels, weights)).repeat())
    bare = _bare_step(parts, images, labels)
    seconds = _take_turns(
        lambda: step.train(batches, arguments.steps),
        lambda: bare(tf.constant(arguments.steps)),
        rounds=arguments.rounds,
    )
    rates = [arguments.steps * BATCH / s for s in seconds]
    return {
        "backbone": name,
        "trains": part,
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


def _bare_step(parts, images, labels):
    import keras
    import tensorflow as tf

    from kft.model import split

    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9)
    optimizer.build(list(parts.trainable))

    @tf.function
    def run(steps):
        loss = tf.constant(0.0)
        for _ in tf.range(steps):
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
        return loss

    return lambda steps: float(run(steps))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
