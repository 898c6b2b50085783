"""Sounds per second of the input pipeline, and training beside plain Keras fit.

  python tools/bench_audio.py spoken_digits
  python tools/bench_audio.py spoken_digits --fit --backbone=SpeechEmbedding

The argument is a folder of sounds, one sub-folder per class. First, soundfile and soxr
alone beside kft: both read the files, decode them and resample them to 16 kHz; `alone`
on some threads, kft in batches.

With --fit the stages are trained by kft, which stores the outputs of the frozen layers,
and by plain Keras, `fit` for each stage: the same network, weights, split, epochs,
rates and batches, without augmentation. There sounds are decoded once, before the time
begins; kft's time has that.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import bench_text
import soundfile
import soxr

from kft import tasks
from kft.config import AudioClassificationConfig
from kft.data import pipeline
from kft.distribution.batch_sharing import BatchShare

RATE = 16_000


def _alone(path: Path) -> int:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return len(soxr.resample(samples.mean(axis=1), rate, RATE))


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--backbone", default="SpeechEmbedding")
    parser.add_argument("--stages", default="head:10@1e-2,top2:6@1e-2")
    arguments = parser.parse_args()
    if arguments.fit:
        _fit(arguments)
    else:
        _decode(arguments.folder)


def _fit(arguments: argparse.Namespace) -> None:
    """Print how long the same training takes by both."""
    with tempfile.TemporaryDirectory() as folder:
        config = AudioClassificationConfig(
            dataset=f"folder:{arguments.folder}",
            backbone=arguments.backbone,
            stages=arguments.stages,
            seconds=1.0,
            clip_norm=1.0,
            run_dir=str(Path(folder, "run")),
            export=(),
            report=False,
        )
        rows = [bench_text.staged(config), bench_text.plain(config, ())]
    staged, plain = rows
    ratio = round(plain["seconds"] / staged["seconds"], 2)
    found = {"rows": rows, "times_faster": ratio, "load_average": os.getloadavg()[0]}
    print(json.dumps(found, indent=1))


def _decode(folder: Path) -> None:
    """Print the rates of decoding."""
    config = AudioClassificationConfig(dataset=f"folder:{folder}", weights="none")
    splits = tasks.load_splits(config)
    examples = splits.train
    paths = [folder / str(name) for name in examples.ids]
    preprocess = tasks.get(config, splits.labels).inputs.preprocess(training=False)
    batches = pipeline.eval_batches(
        examples, preprocess, share=BatchShare(batch_size=32)
    )
    measured: dict[str, list[tuple[float, float]]] = {"alone": [], "kft": []}
    for _ in range(5):
        with _timed(measured["alone"]), concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(_alone, paths))
        with _timed(measured["kft"]):
            for _ in batches:
                pass
    for name, times in measured.items():
        seconds, cpu = map(min, zip(*times, strict=True))
        print(
            f"{name}: {len(paths) / seconds:,.0f} sounds/s, "
            f"{1e6 * cpu / len(paths):.0f} us of CPU each"
        )


@contextlib.contextmanager
def _timed(times: list[tuple[float, float]]) -> Iterator[None]:
    """Add the seconds, and those of the CPU, that something takes."""
    begin, cpu = time.perf_counter(), time.process_time()
    yield
    times.append((time.perf_counter() - begin, time.process_time() - cpu))


if __name__ == "__main__":
    main()
