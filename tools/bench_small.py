"""The whole command on few images, beside its floor, plain Keras and PyTorch.

  python tools/bench_small.py --data=PATH_OF_FOLDER_PER_CLASS --per_class=8,80,200
  python tools/bench_small.py --data=... --side=500 --out=small.json
  python tools/bench_small.py --data=... --peer_python=/other/venv/bin/python

For each number of images of a class: `python -m kft.train` as it is typed, with its
phases, and the floor and plain Keras of tools/bench_recipe.py, one after the other, so
that they share what the machine does meanwhile. With --side the images are enlarged
first: what decoding costs. With --peer_python a loop of PyTorch (tools/peer_images.py)
trains EfficientNetLite0, and kft's command does so beside it, from the same weights.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bench_recipe as recipe


def main() -> None:
    """Measure all sizes, print a table, and write the figures where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--per_class", default="8,80,200", help="images of a class")
    parser.add_argument("--side", type=int, default=None, help="pixels to enlarge to")
    parser.add_argument("--skip_keras", action="store_true")
    parser.add_argument("--peer_python", default=None)
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    rows = []
    for text in arguments.per_class.split(","):
        with tempfile.TemporaryDirectory() as folder:
            data = _images(
                Path(arguments.data), Path(folder), int(text), arguments.side
            )
            rows.append(_row(data, arguments))
        print(json.dumps(rows[-1]), flush=True)
    _show(rows)
    if arguments.out:
        found = {"cores": os.cpu_count(), "rows": rows}
        Path(arguments.out).write_text(json.dumps(found, indent=1))


def _images(data: Path, folder: Path, per_class: int, side: int | None) -> Path:
    """Return a folder with the first images of each class, maybe enlarged."""
    there = folder / "images"
    there.mkdir()
    recipe.some_images(data, there, per_class)
    if side is not None:
        from PIL import Image

        for link in [path for path in there.rglob("*") if path.is_symlink()]:
            with Image.open(link) as file:
                image = file.convert("RGB").resize((side, side))
            link.unlink()
            image.save(link.with_suffix(".jpg"), "JPEG", quality=90)
    return there


def _row(data: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one number of images."""
    count = sum(path.is_file() for path in data.rglob("*"))
    found = {"images": count, "load_average": round(os.getloadavg()[0], 1)}
    found["floor"] = recipe.timed("floor", str(data))["wall_seconds"]
    found["command"] = command(data, backbone="MobileNetV2")
    if not arguments.skip_keras:
        found["keras"] = recipe.timed("keras", str(data))["wall_seconds"]
    if arguments.peer_python:
        found["command_lite"] = command(data, backbone="EfficientNetLite0")
        found["torch"] = _torch(data, arguments.peer_python)
    return found


def command(data: Path, *, backbone: str) -> dict[str, float]:
    """Return the seconds of a command, and of its phases by what it writes when.

    `start` is import, data, network, the pass of the trunk and the first step; `end` is
    from the last epoch to result.json.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        began = time.time()
        recipe.train(str(data), str(run), backbone=backbone)
        whole = time.time() - began
        result = json.loads((run / "result.json").read_text())
        files = ("result.json", "evaluation.json", "export/parity.json", "report.html")
        ends = [(run / name).stat().st_mtime - began for name in files]
    start = sum(result["startup_seconds"].values())
    stages_took = sum(stage["seconds"] for stage in result["stages"])
    trained, evaluated, exported, reported = ends
    phases = {
        "start": start,
        "stages": stages_took,
        "end": trained - start - stages_took,
        "evaluation": evaluated - trained,
        "export": exported - evaluated,
        "report": reported - exported,
        "whole": whole,
    }
    rounded = {name: round(seconds, 1) for name, seconds in phases.items()}
    return {**rounded, "val_accuracy": round(result["val_accuracy"], 4)}


def _torch(data: Path, python: str) -> dict[str, float]:
    """Return the seconds of the peer's process, and its accuracy."""
    from kft.backbones.image import efficientnet_lite_file
    from kft.config import ImageOptions
    from kft.tasks import load_splits

    splits = load_splits(ImageOptions(dataset=f"folder:{data}"))
    job = {
        "weights": str(efficientnet_lite_file.find()),
        "classes": len(splits.labels),
        "stages": [
            [None, recipe.HEAD_EPOCHS, recipe.HEAD_RATE],
            [recipe.TOP, recipe.TAIL_EPOCHS, recipe.TAIL_RATE],
        ],
        "batch_size": recipe.BATCH,
        "side": recipe.SIZE,
    }
    for name, part in (("train", splits.train), ("validation", splits.validation)):
        paths = [str(data / one) for one in part.ids]
        job[name] = {"paths": paths, "labels": part.labels.tolist()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.json")
        path.write_text(json.dumps(job))
        script = Path(__file__).with_name("peer_images.py")
        began = time.monotonic()
        done = subprocess.run(
            [python, str(script), str(path)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        seconds = time.monotonic() - began
    return {"whole": round(seconds, 1), **json.loads(done.stdout.splitlines()[-1])}


def _show(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        whole = row["command"]["whole"]
        ratios = [f"command / floor {whole / row['floor']:.2f}"]
        if "keras" in row:
            ratios.append(f"keras / command {row['keras'] / whole:.2f}")
        if "torch" in row:
            lite = row["torch"]["whole"] / row["command_lite"]["whole"]
            ratios.append(f"torch / command {lite:.2f}")
        print(f"{row['images']:>6,} images  {'   '.join(ratios)}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
