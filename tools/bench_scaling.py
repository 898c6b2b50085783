"""Time and memory of a run with 1k, 4k and 16k images.

  python tools/bench_scaling.py --data=PATH_OF_FOLDER_PER_CLASS

The folder is repeated by links until there are enough images. A run trains the head
for one epoch on the live trunk, without a cache in memory, in a process of its own.
Time is from the first to the last step, so that the start, the same for all, does not
count; memory is the peak of the process. Both are also given against the smallest run:
time per image, and memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = (1_000, 4_000, 16_000)


def main() -> None:
    """Measure, print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--backbone", default="EfficientNetLite0")
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    parser.add_argument("--run", default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(_run(arguments)))
        return
    found = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            images = Path(folder) / "images"
            _link(Path(arguments.data), images, size)
            done = subprocess.run(
                [sys.executable, *sys.argv, f"--run={folder}"],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
        found.append({"images": size, **json.loads(done.stdout.splitlines()[-1])})
        print(_line(found[-1], found[0]), flush=True)
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(found, indent=1))


def _line(row: dict[str, float], first: dict[str, float]) -> str:
    each, first_each = (r["seconds"] / r["images"] for r in (row, first))
    return (
        f"{row['images']:>6} images  {row['seconds']:7.1f} s  "
        f"{row['megabytes']:6.0f} MB  time per image x {each / first_each:.2f}  "
        f"memory x {row['megabytes'] / first['megabytes']:.2f}"
    )


def _link(data: Path, target: Path, count: int) -> None:
    """Fill a folder with links to images, the same share of each class."""
    sources = sorted(path for path in data.iterdir() if path.is_dir())
    for source in sources:
        (target / source.name).mkdir(parents=True)
        paths = sorted(source.iterdir())
        for number in range(count // len(sources)):
            path = paths[number % len(paths)]
            link = target / source.name / f"{number:05d}{path.suffix}"
            link.symlink_to(path.resolve())


def _run(arguments: argparse.Namespace) -> dict[str, float]:
    from kft.cli import startup_logs

    startup_logs.start(debug=False)
    from kft.config import TrainConfig
    from kft.training.auto import batch_size_worker
    from kft.training.fine_tune import fine_tune

    result = fine_tune(
        TrainConfig(
            dataset=f"folder:{arguments.run}/images",
            backbone=arguments.backbone,
            weights="none",
            image_size=arguments.image_size,
            stages="head:1@1e-2",
            feature_cache="off",
            export=(),
            run_dir=f"{arguments.run}/run",
        )
    )
    return {
        "seconds": result.seconds - sum(result.startup_seconds.values()),
        "megabytes": batch_size_worker.peak_memory() / 1e6,
    }


if __name__ == "__main__":
    main()
