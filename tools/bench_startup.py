"""How long a command takes to answer, and a run to make its first step.

  python tools/bench_startup.py

Medians of some processes each: `--help`, a flag that does not exist, a value that can
not be, and `startup_seconds` of a run on 40 images made for it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COMMANDS = {
    "--help": ["--help"],
    "unknown flag": ["--bakbone=ResNet50"],
    "unknown block": ["--stages=head:1,blok5:1"],
    "unknown folder": ["--dataset=folder:there/is/none"],
}


def main() -> None:
    """Measure, print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--backbone", default="EfficientNetLite0")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for name, options in COMMANDS.items():
        seconds = [_seconds(options) for _ in range(arguments.repeats)]
        figures[name] = round(statistics.median(seconds), 3)
    parts = [_startup(arguments.backbone) for _ in range(arguments.repeats)]
    for name in parts[0]:
        values = [part[name] for part in parts]
        figures[f"run: {name}"] = round(statistics.median(values), 3)
    for name, value in figures.items():
        print(f"{name:<18} {value:7.3f} s")
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(figures, indent=1))


def _seconds(options: Sequence[str]) -> float:
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "kft.train", *options], capture_output=True, check=False
    )
    return time.monotonic() - start


def _startup(backbone: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        for number in range(40):
            path = Path(folder) / "images" / "ab"[number % 2] / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
            Image.fromarray(pixels).save(path)
        run_dir = Path(folder) / "run"
        subprocess.run(
            [
                *(sys.executable, "-m", "kft.train"),
                *(f"--dataset=folder:{folder}/images", f"--run_dir={run_dir}"),
                *(f"--backbone={backbone}", "--weights=none", "--image_size=64"),
                *("--stages=head:1@1e-2", "--export="),
            ],
            check=True,
            capture_output=True,
        )
        return json.loads((run_dir / "result.json").read_text())["startup_seconds"]


if __name__ == "__main__":
    main()
