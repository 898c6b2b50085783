"""Runs of a task: trained once for tests that only read them, and killed in time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kft.config import RunConfig, flagfile
from kft.run_folder.run_result import RunResult
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights
from tests.conftest import REPOSITORY

Train = Callable[..., RunResult]


def once(config: Callable[..., RunConfig]) -> Train:
    """Return a function that trains in this process, once for equal settings.

    Args:
        config: from the name of a run and changes of its settings to its config.
    """
    done: dict[str, RunResult] = {}

    def train(**changes: object) -> RunResult:
        name = "-".join(map(str, changes.items())) or "plain"
        if name not in done:
            done[name] = fine_tune(config(name, **changes), reporter=SilentReporter())
        return done[name]

    return train


def command(config: RunConfig, *more: str) -> list[str]:
    """Return the arguments with which Python trains this config, without a report."""
    path = Path(f"{config.run_dir}.cfg")
    path.write_text(flagfile.format_flagfile(config))
    return ["-m", "kft.train", f"--flagfile={path}", "--report=false", *more]


def assert_goes_on(
    config: RunConfig,
    whole: Path,
    *,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Kill a run after three epochs, let it go on, and compare it bit by bit.

    Args:
        config: of the run.
        whole: folder of one that nobody killed.
        environment: of the process that is killed.
    """
    run_dir = Path(str(config.run_dir))
    arguments = command(config, "--steps_per_execution=1")
    kill(arguments, run_dir, epochs=3, environment=environment)
    fine_tune(config, reporter=SilentReporter())
    kept_weights.assert_equal(kept_weights.read(whole), kept_weights.read(run_dir))


def kill(
    arguments: Sequence[str],
    run_dir: Path,
    *,
    epochs: int,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run Python with these arguments, and kill it once so many epochs have ended."""
    lines = run_dir / "metrics.jsonl"
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.DEVNULL,
    ) as process:
        while not (lines.exists() and len(lines.read_text().splitlines()) >= epochs):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (run_dir / "result.json").exists()
