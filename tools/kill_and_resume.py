"""Kill a run at random moments, continue it, and compare it with one left alone.

  python tools/kill_and_resume.py --kills=20

Each kill is SIGKILL: half of them after a random time, half of them within a write of a
file of the run folder, which is torn first. The run is continued until it is finished.
Then every tensor of best.weights.h5 and of the last checkpoint has to be bit-identical
to the run that was left alone, and so has every line of metrics.jsonl but its times.
Needs Linux.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

_TIMES = ("seconds", "examples_per_second", "input_wait_fraction")
_FLAGS = (
    "--backbone=EfficientNetLite0",
    "--weights=none",
    "--image_size=32",
    "--batch_size=8",
    "--dropout=0.2",
    "--stages=head:4@0.1,top1:3@1e-2,all:2@1e-3",
    "--export=",
)
# A child process kills itself in its n-th write: the file is cut to half, as by a
# machine that loses power, before it could be renamed.
_CHILD = """
import os, runpy, signal, sys
left = int(sys.argv.pop(1))
sync = os.fsync
def torn(descriptor):
    global left
    left -= 1
    if left == 0:
        try:
            size = os.fstat(descriptor).st_size
            os.truncate(f"/proc/self/fd/{descriptor}", size // 2)
        except OSError:
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return sync(descriptor)
os.fsync = torn
sys.argv[0] = "train"
runpy.run_module("kft.train", run_name="__main__")
"""


def main() -> int:
    """Return 0 where the two runs are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return _compare(Path(folder), arguments.kills, random.Random(arguments.seed))


def _compare(folder: Path, kills: int, rng: random.Random) -> int:
    _write_images(folder / "images")
    start = time.monotonic()
    _run(folder, "alone", writes=10**9).wait()
    seconds = time.monotonic() - start
    print(f"left alone: {seconds:.1f} s", flush=True)
    done = killed = 0
    while not _finished(folder / "killed"):
        in_write = killed % 2 == 1
        writes = rng.randint(1, 40) if in_write and killed < kills else 10**9
        process = _run(folder, "killed", writes=writes)
        if killed < kills and not in_write:
            _kill_after(process, rng.uniform(0.3, 1.0) * seconds)
        code = process.wait()
        if code == -signal.SIGKILL:
            killed += 1
            print(f"kill {killed}: {_where(folder / 'killed')}", flush=True)
        elif code:
            print(f"the run ended with exit code {code}", flush=True)
            return 1
        elif killed < kills:
            # Finished before the last kill: once more from the start.
            done += 1
            _check_same(folder / "alone", folder / "killed")
            (folder / "killed").rename(folder / f"killed-{done}")
    _check_same(folder / "alone", folder / "killed")
    print(f"{killed} kills in {done + 1} runs: all bit-identical", flush=True)
    return 0


def _run(folder: Path, name: str, *, writes: int) -> subprocess.Popen:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            _CHILD,
            str(writes),
            f"--dataset=folder:{folder / 'images'}",
            f"--run_dir={folder / name}",
            *_FLAGS,
        ],
        stdout=subprocess.DEVNULL,
    )


def _kill_after(process: subprocess.Popen, seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()


def _finished(run: Path) -> bool:
    return (run / "result.json").exists()


def _where(run: Path) -> str:
    lines = run / "metrics.jsonl"
    epochs = len(lines.read_text().splitlines()) if lines.exists() else 0
    return f"after {epochs} epochs"


def _check_same(first: Path, second: Path) -> None:
    for name in ("best.weights.h5", _last_checkpoint(first)):
        one, two = _tensors(first / name), _tensors(second / name)
        if one.keys() != two.keys():
            raise SystemExit(f"{name}: other tensors: {one.keys() ^ two.keys()}")
        for key in one:
            if one[key].tobytes() != two[key].tobytes():
                raise SystemExit(f"{name}: {key} differs")
    if _lines(first) != _lines(second):
        raise SystemExit("metrics.jsonl differs")


def _last_checkpoint(run: Path) -> str:
    return str(max((run / "checkpoints").glob("state-*.npz")).relative_to(run))


def _tensors(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return {k: archive[k] for k in archive.files if k != "meta.json"}
    found = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.array(item)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def _lines(run: Path) -> list[dict]:
    lines = [json.loads(x) for x in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in _TIMES} for line in lines]


def _write_images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(72):
        label = number % 3
        colour = np.roll([0, 160, 255], label) + rng.normal(0, 40, (40, 40, 3))
        path = folder / "abc"[label] / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour.clip(0, 255).astype(np.uint8)).save(path)


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    sys.exit(main())
