"""kft's input pipeline against a bare tf.data pipeline, and its memory, in one run.

  python tools/bench_input.py --data=PATH_OF_FOLDER_PER_CLASS

Both read the same JPEG files in the same order, decode, crop, resize and mirror them
with the same TensorFlow ops and as many parallel calls (AUTOTUNE), and batch them. The
bare one is `Dataset.map` over paths; kft's has its plan of rows, weights and keys, its
choice of decoder and its augmentation besides. The two take turns, and the medians are
compared. CPU milliseconds per image, which other
programs hardly change, say how much of a ratio is work.

Memory is the resident set after one epoch of the folder repeated by links to 1,000 and
to 20,000 images, each in a process of its own.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZE, BATCH = 224, 32
COUNTS = (1_000, 20_000)
MODES = ("flip", "standard")
# Batches that are not timed: a pipeline starts once in a stage, not in every epoch.
STARTING = 8


def main() -> None:
    """Measure, print the figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=60, help="per round")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    parser.add_argument("--memory_of", default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(json.dumps(_resident_after_an_epoch(arguments.memory_of)))
        return
    speed = [_speed(mode, arguments) for mode in MODES]
    for row in speed:
        print(json.dumps(row), flush=True)
    memory = {count: _memory(arguments.data, count) for count in COUNTS}
    growth = memory[COUNTS[1]] / memory[COUNTS[0]] - 1
    for count, size in memory.items():
        print(f"{count:>6,} images: {size / 1e6:.0f} MB after an epoch")
    print(f"growth {growth:.1%}")
    if arguments.out:
        figures = {"speed": speed, "resident_bytes": memory, "growth": growth}
        Path(arguments.out).write_text(json.dumps(figures, indent=1))


def _speed(mode: str, arguments: argparse.Namespace) -> dict[str, object]:
    examples, config = _load(arguments.data, mode)
    pipelines = (_kft(examples, config), _bare(examples, arguments.data, mode))
    rates: tuple[list[float], list[float]] = ([], [])
    work: tuple[list[float], list[float]] = ([], [])
    for turn, rank in itertools.product(range(arguments.rounds + 1), range(2)):
        # A new one each time: else it would work on while the other is measured.
        batches = iter(pipelines[rank])
        _take(batches, STARTING)
        start, worked = time.perf_counter(), time.process_time()
        _take(batches, arguments.batches)
        seconds = time.perf_counter() - start
        worked = time.process_time() - worked
        del batches
        # The first turn of both fills the file cache.
        if turn:
            rates[rank].append(arguments.batches * BATCH / seconds)
            work[rank].append(1e3 * worked / (arguments.batches * BATCH))
    kft, bare = (statistics.median(values) for values in rates)
    ratios = [a / b for a, b in zip(*rates, strict=True)]
    return {
        "augment": mode,
        "kft_images_per_second": round(kft, 1),
        "bare_images_per_second": round(bare, 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "kft_cpu_ms_per_image": round(statistics.median(work[0]), 3),
        "bare_cpu_ms_per_image": round(statistics.median(work[1]), 3),
    }


def _take(batches: Iterator, count: int) -> None:
    for _ in range(count):
        next(batches)


def _load(path: str, mode: str):
    """Return all examples of a folder as training examples, and the config."""
    from kft import tasks
    from kft.config import TrainConfig

    config = TrainConfig(
        dataset=f"folder:{path}",
        validation_fraction=0.0,
        augment=mode,
        image_size=SIZE,
        batch_size=BATCH,
    )
    return tasks.load_splits(config).train, config


def _kft(examples, config):
    from kft import tasks
    from kft.data import epoch_plan, pipeline
    from kft.data.labels import LabelMap
    from kft.distribution.batch_sharing import BatchShare

    task = tasks.get(config, LabelMap(tuple(map(str, range(2)))))
    return pipeline.train_batches(
        examples,
        task.inputs.preprocess(training=True),
        share=BatchShare(batch_size=BATCH),
        sampling=epoch_plan.SamplingConfig(seed=0),
        span=pipeline.Span(epochs=1_000),
    )


def _bare(examples, folder: str, mode: str):
    """Return batches of (images, labels) in the order of kft's first epoch."""
    import numpy as np
    import tensorflow as tf

    from kft.data import sampling
    from kft.data.image import augment, decode, resize

    positions = sampling.epoch_order(len(examples), seed=0, epoch=0)
    # The ids of a folder's examples are paths below it.
    paths = np.array([os.path.join(folder, name) for name in examples.ids])[positions]
    keys = np.stack([np.zeros(len(paths)), positions], axis=-1).astype(np.int64)

    def make(path, label, key):
        payload = tf.io.read_file(path)
        if mode == "standard":
            image = resize.scale(_random_part(payload, key), SIZE)
        else:
            image = tf.io.decode_jpeg(payload, channels=3, dct_method=decode.DCT_METHOD)
            image = resize.resize(image, size=SIZE, method="crop")
        return tf.image.stateless_random_flip_left_right(image, key), label

    def _random_part(payload, key):
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            tf.image.extract_jpeg_shape(payload),
            tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
            key,
            min_object_covered=0.0,
            aspect_ratio_range=augment.CROP_ASPECT,
            area_range=augment.CROP_AREA,
        )
        box = tf.concat([begin[:2], extent[:2]], axis=0)
        return tf.io.decode_and_crop_jpeg(
            payload, box, channels=3, dct_method=decode.DCT_METHOD
        )

    parallel = tf.data.AUTOTUNE
    return (
        tf.data.Dataset.from_tensor_slices((paths, examples.labels[positions], keys))
        .repeat()
        .map(make, num_parallel_calls=parallel, deterministic=True)
        .batch(BATCH, drop_remainder=True)
        .prefetch(parallel)
    )


def _memory(data: str, count: int) -> int:
    """Return the bytes that a new process has after an epoch of so many images."""
    files = sorted(Path(data).glob("*/*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        for number, file in zip(range(count), itertools.cycle(files), strict=False):
            link = Path(folder, file.parent.name, f"{number:05d}.jpg")
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(file.resolve())
        done = subprocess.run(
            [sys.executable, __file__, f"--data={data}", f"--memory_of={folder}"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    return json.loads(done.stdout.splitlines()[-1])


def _resident_after_an_epoch(path: str) -> int:
    import psutil

    examples, config = _load(path, "flip")
    for _ in _kft(examples, config).take(-(-len(examples) // BATCH)):
        pass
    return psutil.Process().memory_info().rss


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    main()
