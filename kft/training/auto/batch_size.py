"""`--batch_size=auto`: the largest batch that trains, found before the run begins.

Steps of the largest stage are tried in a child process (`batch_size_worker`), so that a
trial that dies takes nothing with it, and leaves neither memory nor random state
behind. The answer is a power of two per device, at most the number of training examples
and at most 1024 in all. It becomes part of the run's config, and a resume takes it from
there.

On a GPU the child halves the batch until a step does not run out of memory. On a CPU
nothing is raised: the process is killed. So there the child's peak memory is measured
at two small batches, and a line through them says what a larger one takes; that is held
against half of the memory that is free now. The other half is for features that are
kept in memory (`kft.training.feature_cache.placement`) and for other programs.
"""

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psutil

from kft import config as configs
from kft import errors
from kft.cli import child_process
from kft.config import RunConfig
from kft.run_folder import run_dir
from kft.training import out_of_memory
from kft.training.monitoring.signals import Signals

_MEMORY_SHARE = 0.5
# Largest batches that are measured on a CPU; the next one where the child was killed.
_MEASURED = (32, 4)
_SECONDS_PER_LOOK = 0.3
_SHOWN = 1000


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a child process found out.

    Attributes:
        limit: largest batch that could make sense, a power of two for each device.
        smallest: one row for each device, or two where rows are mixed in pairs.
        fits: on a GPU, the largest that trains; None where none does, and on a CPU.
        measured: on a CPU, batches and the peak memory with each, in bytes.
    """

    limit: int
    smallest: int = 1
    fits: int | None = None
    measured: tuple[tuple[int, int], ...] = ()


def settle(
    config: RunConfig, *, say: Callable[[str], None], signals: Signals
) -> RunConfig:
    """Return the config with a number in place of `auto`.

    Args:
        config: of the run; returned as it is where its batch size is a number.
        say: told what was found.
        signals: looked at while the trial runs.

    Raises:
        errors.TrainingError: where not even the smallest batch trains.
        errors.RunDirError: for a run folder that cannot be gone on with.
        errors.Interrupted: after a signal.
    """
    if config.batch_size != "auto":
        return config
    run = run_dir.of(config)
    if run.config_json.exists():
        kept = run_dir.read_config(run).batch_size
        return dataclasses.replace(config, batch_size=kept)
    run_dir.find(config)
    say("--batch_size=auto: trying steps of the largest stage.")
    found = _search(config, signals)
    say(f"--batch_size=auto: {found} is the largest that trains.")
    return dataclasses.replace(config, batch_size=found)


def _search(config: RunConfig, signals: Signals) -> int:
    free = psutil.virtual_memory().available
    for largest in _MEASURED:
        trial = _try(config, largest, signals)
        if trial is None:
            continue
        size = trial.fits
        if trial.measured:
            room = free * _MEMORY_SHARE
            sizes = batches(trial.limit, trial.smallest)
            size = largest_fitting(trial.measured, sizes, room=room)
        if size is None:
            break
        return size
    smallest = dataclasses.replace(config, batch_size=1)
    raise errors.TrainingError(
        out_of_memory.message(smallest, "a trial of --batch_size=auto")
    )


def batches(limit: int, smallest: int) -> Iterator[int]:
    """Yield limit, limit / 2, ... down to `smallest`."""
    while limit >= smallest:
        yield limit
        limit //= 2


def largest_fitting(
    measured: Sequence[tuple[int, int]], sizes: Iterable[int], *, room: float
) -> int | None:
    """Return the largest batch whose memory fits, by a line through two measurements.

    Args:
        measured: two batches, the smaller first, and the peak memory with each, in
            bytes.
        sizes: the batches to choose from, the largest first.
        room: bytes that may be used.

    Returns:
        The batch, or None where nothing fits.
    """
    (small, low), (large, high) = measured
    slope = max(high - low, 0) / (large - small)
    base = low - slope * small
    return next((size for size in sizes if base + slope * size <= room), None)


def _try(config: RunConfig, largest: int, signals: Signals) -> Trial | None:
    """Run the child; None where it was killed, as for lack of memory.

    Raises:
        errors.KftError: that the child met.
    """
    task = {"config": configs.to_dict(config), "largest": largest}
    with subprocess.Popen(
        [sys.executable, "-m", "kft.training.auto.batch_size_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=child_process.environment(),
        # Ctrl-C is for this process, which ends the child.
        start_new_session=True,
    ) as process:
        try:
            text, log = _wait(process, json.dumps(task), signals)
        finally:
            process.kill()
    if sys.platform != "win32" and process.returncode == -signal.SIGKILL:
        return None
    if process.returncode:
        raise errors.TrainingError(
            f"--batch_size=auto: the trial ended with code {process.returncode}:\n"
            f"{log[-_SHOWN:].strip()}\nA number for --batch_size needs no trial."
        )
    return _answer(json.loads(text.splitlines()[-1]))


def _wait(
    process: subprocess.Popen[str], task: str, signals: Signals
) -> tuple[str, str]:
    """Return what the child has written and logged when it has ended."""
    given: str | None = task
    while True:
        try:
            return process.communicate(given, timeout=_SECONDS_PER_LOOK)
        except subprocess.TimeoutExpired:
            given = None
            signals.check()


def _answer(content: dict[str, Any]) -> Trial:
    if "error" in content:
        raise getattr(errors, content["error"])(content["message"])
    measured = tuple((size, peak) for size, peak in content["measured"])
    return Trial(**{**content, "measured": measured})
