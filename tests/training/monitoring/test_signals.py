"""Signals: heard at any moment, in this process and in those of the command line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import errors
from kft.training import evaluator
from kft.training.feature_cache.feature_store import Features
from kft.training.monitoring import signals as monitoring_signals
from kft.training.monitoring.signals import Signals
from tests.conftest import REPOSITORY
from tests.training import test_fine_tune


def test_the_first_signal_is_remembered_and_the_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with monitoring_signals.listening() as signals:
        signals.check()
        signal.raise_signal(signal.SIGUSR1)
        with pytest.raises(errors.Interrupted) as caught:
            signals.check()
    assert caught.value.signal == signal.SIGUSR1
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_block_within_another_knows_of_the_signal_before_it():
    with monitoring_signals.listening() as outer:
        signal.raise_signal(signal.SIGTERM)
        with monitoring_signals.listening() as inner:
            assert inner is outer
        assert isinstance(signal.getsignal(signal.SIGTERM).__self__, Signals)
        with pytest.raises(errors.Interrupted):
            outer.check()


def test_a_second_ctrl_c_stops_at_once_and_a_second_sigterm_does_not():
    with monitoring_signals.listening() as signals:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signals.signal == signal.SIGINT


def test_the_pass_through_the_trunk_hears_a_signal(tiny_run, monkeypatch, tmp_path):
    whole = tiny_run("whole", feature_cache="disk")
    original, written = Features.write, []

    def write(self, *arguments):
        written.append(arguments)
        if len(written) == 2:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Features, "write", write)
        with pytest.raises(errors.Interrupted):
            tiny_run("stopped", feature_cache="disk")
    assert len(written) == 2
    # What was stored so far does not count as features.
    assert list((tmp_path / "stopped" / "cache").iterdir()) == []
    resumed = tiny_run("stopped", feature_cache="disk")
    test_fine_tune.assert_same_run(whole.run_dir, resumed.run_dir)


@pytest.mark.parametrize("changes", [{}, {"ema_decay": 0.9}])
def test_a_validation_hears_a_signal(tiny_run, monkeypatch, changes):
    stages = "all:2@0.05"
    whole = tiny_run("whole", stages=stages, **changes)
    original, scorers = evaluator.Evaluator.evaluate, []

    def evaluate(self, *arguments, **options):
        scorers.append(self)
        if len(scorers) == 2:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(evaluator.Evaluator, "evaluate", evaluate)
        with pytest.raises(errors.Interrupted):
            tiny_run("stopped", stages=stages, **changes)
    assert len(scorers) == 2
    resumed = tiny_run("stopped", stages=stages, **changes)
    test_fine_tune.assert_same_run(whole.run_dir, resumed.run_dir)


class Command:
    """`python -m kft.train` on tiny images, in a process of its own."""

    def __init__(self, images: Path, run: Path, *flags: str) -> None:
        self.run = run
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "kft.train",
                f"--dataset=folder:{images}",
                f"--run_dir={run}",
                "--backbone=EfficientNetLite0",
                "--weights=none",
                "--image_size=32",
                "--batch_size=4",
                "--stages=head:2@0.1,top1:8@1e-2",
                "--feature_cache=memory",
                "--dropout=0.2",
                "--export=",
                *flags,
            ],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, is_time: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 200
        while not is_time():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def epochs(self) -> int:
        lines = self.run / "metrics.jsonl"
        return len(lines.read_text().splitlines()) if lines.exists() else 0

    def listens(self) -> bool:
        """Return whether training listens: TensorFlow is being imported (Linux)."""
        maps = Path(f"/proc/{self.process.pid}/maps").read_text()
        return "libtensorflow" in maps

    def end(self, again: signal.Signals | None = None) -> tuple[int, str]:
        """Return exit code and standard error; it has to end soon.

        Args:
            again: sent until it ends. To Python two signals of a kind are one until it
                comes to its next instruction, which takes a second while the system
                loads a large library: no number of them is sure to be enough.
        """
        while again and self.process.poll() is None:
            self.process.send_signal(again)
            time.sleep(0.2)
        text = self.process.communicate(timeout=200)[1]
        return self.process.returncode, text


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_signals_to_real_processes_lose_nothing(solid_colours, tmp_path):
    images = solid_colours(per_class=12, size=40)
    # Twice the same command, --deterministic or not, gives the same bytes on a CPU.
    whole = Command(images, tmp_path / "whole", "--deterministic")
    assert whole.end()[0] == 0

    run = tmp_path / "stopped"
    # During the start, while TensorFlow is imported: not lost, and nothing begun.
    starting = Command(images, run, "--deterministic")
    starting.wait_for(starting.listens)
    starting.process.send_signal(signal.SIGTERM)
    code, text = starting.end()
    assert (code, starting.epochs()) == (75, 0)
    assert "Stopped by SIGTERM; the state is saved. The same command goes on." in text

    for number, expected, epochs in ((signal.SIGINT, 130, 1), (signal.SIGUSR1, 75, 6)):
        command = Command(images, run, "--deterministic")
        command.wait_for(lambda c=command, e=epochs: c.epochs() >= e)
        command.process.send_signal(number)
        code, text = command.end()
        assert code == expected, text
        assert f"Stopped by {signal.Signals(number).name}" in text
        assert not (run / "result.json").exists()

    # Ctrl-C again and again: at once, without another save; what was saved is whole.
    impatient = Command(images, run, "--deterministic")
    impatient.wait_for(impatient.listens)
    code, text = impatient.end(again=signal.SIGINT)
    assert code == 130 and text.splitlines() == ["Interrupted."]

    assert Command(images, run, "--deterministic").end()[0] == 0
    test_fine_tune.assert_same_run(tmp_path / "whole", run)
