"""Sounds per second of the input pipeline, beside soundfile and soxr alone.

  python tools/bench_audio.py spoken_digits

The argument is a folder of sounds, one sub-folder per class. Both read the files,
decode them and resample them to 16 kHz; `alone` on some threads, kft in batches.
"""

import concurrent.futures
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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
    """Print both rates."""
    folder = Path(sys.argv[1])
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
