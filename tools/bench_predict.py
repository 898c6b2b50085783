"""Measure kft.predict against the network alone, as a ratio within one run.

usage: python tools/bench_predict.py --run_dir=R --images=FOLDER [--count=1000]

The network alone computes batches of pixels that are in memory already. kft.predict
reads the files, decodes and resizes them, computes, and formats every answer. Both take
the same images in batches of the same size, in turns, and the best turn of each
counts: the machine may be shared. Reading, decoding and resizing alone is measured too:
where cores are scarce it takes them from the network. CPU seconds say how much, also on
a machine that is busy with other work: where every core is busy with the network, the
ratio cannot be better than that of the CPU seconds.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.evaluation import load_run
from kft.inference import answers, file_batches, input_files, output_formats
from kft.inference import predictor as inference_predictor
from kft.inference.input_files import InputFiles
from kft.inference.predictor import Predictor


def main() -> None:
    """Print images/s and CPU time of each, and their ratios, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run_dir", required=True)
    parser.add_argument("--images", required=True, help="folder or pattern")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    predictor = inference_predictor.of_run(load_run.load(options.run_dir))
    endings = predictor.task.serving.file_endings
    every = input_files.find([options.images], endings)
    files = [one for one in every if not one.error]
    # A folder with fewer images is gone through again.
    found = list(itertools.islice(itertools.cycle(files), options.count))
    batch = _inputs(predictor, found[: options.batch_size])
    # Whole batches, as kft.predict computes them.
    batches = -(-options.count // options.batch_size)
    turns: dict[str, Callable[[], None]] = {
        "network": lambda: _network(predictor, batch, batches),
        "predict": lambda: _predict(predictor, found, options.batch_size),
        "reading": lambda: _read(predictor, found, options.batch_size),
    }
    for turn in turns.values():
        turn()  # traces and compiles
    seconds = dict.fromkeys(turns, np.inf)
    cpu = dict(seconds)
    for _ in range(options.rounds):
        for name, turn in turns.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            turn()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
            cpu[name] = min(cpu[name], time.process_time() - cpu_start)
    found_figures = {
        "images_per_second": {k: options.count / v for k, v in seconds.items()},
        "cpu_milliseconds": {k: 1000 * v / options.count for k, v in cpu.items()},
        "ratio": seconds["network"] / seconds["predict"],
        "cpu_ratio": cpu["network"] / cpu["predict"],
    }
    print(json.dumps(_rounded(found_figures)))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return float(f"{value:.3g}")


def _inputs(predictor: Predictor, found: Sequence[InputFiles]) -> tf.Tensor:
    return tf.stack([predictor.preprocess(tf.io.read_file(one.file)) for one in found])


def _network(predictor: Predictor, batch: tf.Tensor, batches: int) -> None:
    for _ in range(batches):
        predictor.outputs(batch)


def _predict(
    predictor: Predictor, found: Sequence[InputFiles], batch_size: int
) -> None:
    style = output_formats.FORMATS["jsonl"]
    fields = predictor.task.serving.answer_fields
    for answer in answers.predict(predictor, found, top_k=5, batch_size=batch_size):
        style.line(answer, fields, 5)


def _read(predictor: Predictor, found: Sequence[InputFiles], batch_size: int) -> None:
    for _ in file_batches.batches(predictor, found, batch_size):
        pass


if __name__ == "__main__":
    main()
