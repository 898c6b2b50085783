"""Processes that train together on this machine."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import REPOSITORY

TIMEOUT = 400.0


class Team:
    """What the processes of some jobs left behind."""

    def __init__(self, folder: Path, codes: list[int], outputs: list[str]) -> None:
        self.folder = folder
        self.codes = codes
        self.outputs = outputs

    def figures(self, name: str, worker: int = 0) -> dict[str, Any]:
        path = self.folder / f"{name}-{worker}.json"
        assert path.is_file(), self.outputs[worker][-3000:]
        return json.loads(path.read_text())

    def arrays(self, name: str, worker: int = 0) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{name}-{worker}.npz") as archive:
            return {key: archive[key] for key in archive.files}


def free_ports(count: int) -> list[int]:
    """Return ports in a row that nothing listens at."""
    for first in range(23_000 + os.getpid() % 5_000, 32_000, count):
        ports = list(range(first, first + count))
        if all(map(_is_free, ports)):
            return ports
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def tf_config(ports: Sequence[int], worker: int) -> dict[str, str]:
    content = {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": worker},
    }
    return {"TF_CONFIG": json.dumps(content)}


def start(
    arguments: Sequence[str], environ: Mapping[str, str], output: Path
) -> subprocess.Popen:
    """Start a python process whose scratch files lie beside its output."""
    scratch = output.with_suffix(".tmp")
    scratch.mkdir(exist_ok=True)
    with open(output, "w") as file:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "TMPDIR": str(scratch),
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def finish(
    processes: Sequence[subprocess.Popen], seconds: float, *, frozen: int | None = None
) -> list[int | None]:
    """Wait for processes of this test, and end those that do not come to an end.

    Returns the exit codes, None for the one that is known to be frozen.
    """
    deadline = time.monotonic() + seconds
    try:
        return [
            None if rank == frozen else p.wait(max(deadline - time.monotonic(), 0.1))
            for rank, p in enumerate(processes)
        ]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Team]:
    """Return a function that runs jobs of `drive.py` in one process, or in several.

    `drive(jobs, workers=2)`; jobs are the same for all workers, or given per worker by
    a function of the worker's index. The worker `frozen` does not end by itself.
    """

    def run(
        jobs: list[dict] | Callable[[int], list[dict]],
        *,
        workers: int = 1,
        frozen: int | None = None,
        folder: Path | None = None,
    ) -> Team:
        folder = folder or tmp_path_factory.mktemp("team")
        ports = free_ports(workers)
        processes, outputs = [], []
        for worker in range(workers):
            own = jobs(worker) if callable(jobs) else jobs
            path = folder / f"jobs-{worker}.json"
            path.write_text(json.dumps(own))
            outputs.append(folder / f"worker-{worker}.txt")
            processes.append(
                start(
                    ["-m", "tests.training.workers.drive", str(folder), str(path)],
                    tf_config(ports, worker) if workers > 1 else {},
                    outputs[-1],
                )
            )
        codes = finish(processes, TIMEOUT, frozen=frozen)
        return Team(folder, codes, [path.read_text() for path in outputs])

    return run
