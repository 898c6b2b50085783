"""Make tests/run_folder/old_run: a run folder as an older version of kft leaves it.

  git worktree add /tmp/kft-0.1.0 c389931
  PYTHONPATH=/tmp/kft-0.1.0 python tools/make_old_run.py tests/run_folder/old_run

`PYTHONPATH` says which version trains, evaluates and answers. What it answers is kept
beside the run in expected.json, for a test that later versions answer the same. So that
all of it is small, the weights are rounded to powers of two before anything is
measured, and what no command needs is left out: checkpoints, TensorBoard, the report.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

COLOURS = {"cyan": (0, 255, 255), "magenta": (255, 0, 255), "yellow": (255, 255, 0)}
PER_CLASS = 8
SIDE = 24
# Random weights give an output that hardly depends on the image: kernels are made
# larger, those of the logits most of all.
GAIN = 3
GAIN_OF_LOGITS = 192
# Bytes of a tensor that are worth compressing.
COMPRESSED_FROM = 1024
# Weights below the smallest power that is kept are 0.
SMALLEST_POWER = -4
UNNEEDED = (".lock", "checkpoints", "tensorboard", "cache", "export", "report.html")
FLAGS = (
    "--dataset=folder:images",
    "--backbone=MobileNetV3Small",
    "--weights=none",
    "--image_size=32",
    "--validation_fraction=0.4",
    "--stages=head:1@1e-2,top1:1@1e-3",
    "--batch_size=5",
    "--augment=flip",
    "--export=",
    "--noreport",
    "--run_dir=run",
)


def main() -> None:
    """Make the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    write_images(folder / "images")
    kft(folder, "train", *FLAGS)
    for path in UNNEEDED:
        remove(folder / "run" / path)
    round_weights(folder / "run" / "best.weights.h5")
    kft(folder, "evaluate", "--run_dir=run")
    files = sorted(map(str, (folder / "images").glob("*/*")))
    names = [os.path.relpath(name, folder) for name in files]
    answers = kft(folder, "predict", "--run_dir=run", "--format=jsonl", *names)
    expected = {
        "evaluation": json.loads((folder / "run" / "evaluation.json").read_text()),
        "answers": [json.loads(line) for line in answers.splitlines()],
    }
    text = json.dumps(expected, indent=1) + "\n"
    (folder / "expected.json").write_text(text)


def write_images(folder: Path) -> None:
    """Write images of one colour each; no two are alike."""
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(PER_CLASS):
            pixels = np.clip(np.array(colour) - 8 * number + 4, 0, 255)
            image = Image.new("RGB", (SIDE, SIDE), tuple(map(int, pixels)))
            image.save(folder / name / f"{number}.png")


def kft(folder: Path, command: str, *arguments: str) -> str:
    """Return what a command prints, with paths as of `folder`."""
    arguments = (sys.executable, "-m", f"kft.{command}", *arguments)
    done = subprocess.run(
        arguments, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def round_weights(path: Path) -> None:
    """Write every tensor of the file again, rounded and compressed."""
    found, attributes = {}, {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: _note(name, item, found, attributes))
        attributes[""] = dict(file.attrs)
    # The new layout has less around each of the many small tensors.
    with h5py.File(path, "w", libver="latest") as file:
        for name, values in attributes.items():
            group = file.require_group(name) if name else file
            group.attrs.update(values)
        for name, values in found.items():
            rounded = powers_of_two(gain(values) * values)
            gzip = {"compression": "gzip", "compression_opts": 9}
            file.create_dataset(
                name, data=rounded, **gzip if rounded.nbytes > COMPRESSED_FROM else {}
            )


def _note(name: str, item: h5py.HLObject, found: dict, attributes: dict) -> None:
    if isinstance(item, h5py.Dataset):
        found[name] = item[()]
    else:
        attributes[name] = dict(item.attrs)


def gain(values: np.ndarray) -> int:
    """Return what a tensor is multiplied by."""
    if values.ndim < 2:
        return 1
    return GAIN_OF_LOGITS if values.shape[-1] == len(COLOURS) else GAIN


def powers_of_two(values: np.ndarray) -> np.ndarray:
    """Return float values rounded to a power of two each; others as they are."""
    if not np.issubdtype(values.dtype, np.floating):
        return values
    sizes = np.abs(values)
    powers = np.round(np.log2(np.maximum(sizes, 2.0 ** (SMALLEST_POWER - 2))))
    rounded = np.sign(values) * 2.0**powers
    return np.where(powers < SMALLEST_POWER, 0, rounded).astype(values.dtype)


if __name__ == "__main__":
    main()
