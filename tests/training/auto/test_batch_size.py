"""The largest batch that trains: what it is, how it is found, and that it is kept."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from kft import errors
from kft.config import TrainConfig
from kft.run_folder import run_dir, saved_config
from kft.training.auto import batch_size, batch_size_worker
from kft.training.auto.batch_size import Trial
from kft.training.monitoring.signals import Signals


def settle(config: TrainConfig, signals: Signals | None = None) -> TrainConfig:
    return batch_size.settle(
        config, say=lambda text: None, signals=signals or Signals()
    )


@pytest.mark.parametrize(
    ("examples", "replicas", "expected"),
    [(5000, 1, 1024), (1023, 1, 512), (59, 1, 32), (1, 1, 1), (59, 3, 48), (2, 4, 4)],
)
def test_a_batch_is_a_power_of_two_per_device_and_within_the_examples(
    examples: int, replicas: int, expected: int
) -> None:
    assert batch_size_worker.largest_batch(examples, replicas) == expected


@pytest.mark.parametrize(
    ("room", "sizes", "expected"),
    [
        # 100 bytes, and 10 more for each example.
        (100 + 10 * 128, (1024, 1), 128),
        (100 + 10 * 128 - 1, (1024, 1), 64),
        (10**9, (1024, 1), 1024),
        (100 + 10 * 8, (1024, 1), 8),
        (100 + 10 * 8 - 1, (1024, 1), 4),
        (100 + 10, (1024, 1), 1),
        (109, (1024, 1), None),
        (10**9, (96, 3), 96),
        (100 + 10 * 2, (64, 4), None),
    ],
)
def test_a_line_through_two_batches_says_what_fits(
    room: int, sizes: tuple[int, int], expected: int | None
) -> None:
    measured = ((8, 180), (32, 420))
    choice = batch_size.batches(*sizes)
    found = batch_size.largest_fitting(measured, choice, room=room)
    assert found == expected


def test_memory_that_does_not_grow_limits_nothing() -> None:
    measured = ((8, 500), (32, 400))
    found = batch_size.largest_fitting(measured, [256, 128], room=500)
    assert found == 256


@pytest.mark.parametrize(("fits", "expected"), [(300, 256), (1024, 1024), (1, 1)])
def test_a_gpu_halves_the_batch_until_it_trains(fits: int, expected: int) -> None:
    tried = []

    def run(size: int) -> None:
        tried.append(size)
        if size > fits:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    assert batch_size_worker.halve(run, 1024, smallest=1) == expected
    assert tried == [1024 // 2**n for n in range(len(tried))]


def test_a_gpu_on_which_nothing_trains_gives_no_batch() -> None:
    def run(size: int) -> None:
        raise tf.errors.InternalError(None, None, "Dst tensor is not initialized.")

    assert batch_size_worker.halve(run, 8, smallest=2) is None


def test_another_error_of_a_step_is_not_taken_for_full_memory() -> None:
    def run(size: int) -> None:
        raise tf.errors.InvalidArgumentError(None, None, "OOM is a word")

    with pytest.raises(tf.errors.InvalidArgumentError):
        batch_size_worker.halve(run, 8, smallest=1)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace the child: batches above 4 kill it. Returns what was asked of it."""
    asked = []

    def answer(config: TrainConfig, largest: int, signals: Signals) -> Trial | None:
        asked.append(largest)
        return None if largest > 4 else Trial(64, measured=((1, 2), (4, 8)))

    monkeypatch.setattr(batch_size, "_try", answer)
    return asked


def test_a_child_that_was_killed_is_tried_again_with_less(
    tried: list[int], tmp_path: Path
) -> None:
    config = TrainConfig(batch_size="auto", run_dir=str(tmp_path / "run"))
    assert settle(config).batch_size == 64
    assert tried == [32, 4]


def test_nothing_that_trains_is_an_error_that_says_what_takes_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batch_size, "_try", lambda *args: None)
    config = TrainConfig(batch_size="auto", run_dir=str(tmp_path / "run"))
    with pytest.raises(errors.TrainingError, match="Memory ran out.*smaller --image"):
        try:
            settle(config)
        except errors.TrainingError as error:
            raise errors.TrainingError(str(error).replace("\n", " ")) from error


def test_a_gpu_on_which_nothing_trains_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batch_size, "_try", lambda *args: Trial(64, fits=None))
    config = TrainConfig(batch_size="auto", run_dir=str(tmp_path / "run"))
    with pytest.raises(errors.TrainingError, match="Memory ran out"):
        settle(config)


def test_a_number_is_left_alone(tried: list[int]) -> None:
    assert settle(TrainConfig(batch_size=7)) == TrainConfig(batch_size=7)
    assert tried == []


def test_a_resume_takes_the_number_that_was_found(
    tried: list[int], tmp_path: Path
) -> None:
    config = TrainConfig(batch_size="auto", run_dir=str(tmp_path / "run"))
    with run_dir.claim(settle(config)) as (run, status):
        assert status == "new"
    assert saved_config.read(run.config_json).batch_size == 64
    assert "--batch_size=64\n" in run.flags_cfg.read_text()
    tried.clear()
    again = settle(config)
    assert (again.batch_size, tried) == (64, [])
    with run_dir.claim(again) as (_, status):
        assert status == "unfinished"
    with pytest.raises(errors.RunDirError, match="--batch_size: 64 -> 32"):
        run_dir.find(TrainConfig(batch_size=32, run_dir=str(tmp_path / "run")))


def test_a_folder_of_something_else_is_refused_before_the_trial(
    tried: list[int], tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(errors.RunDirError, match="no run folder of kft"):
        settle(TrainConfig(batch_size="auto", run_dir=str(tmp_path)))
    assert tried == []


def test_a_signal_ends_the_child_and_the_search(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = []
    original = subprocess.Popen

    def sleep(command: list[str], **options) -> subprocess.Popen:
        code = "import time; time.sleep(100)"
        started.append(original([sys.executable, "-c", code], **options))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", sleep)
    signals = Signals()
    signals.signal = signal.SIGTERM
    config = TrainConfig(batch_size="auto", run_dir=str(tmp_path / "run"))
    with pytest.raises(errors.Interrupted):
        settle(config, signals)
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_child_measures_real_steps(solid_colours, tmp_path: Path) -> None:
    config = TrainConfig(
        dataset=f"folder:{solid_colours(per_class=8, size=32)}",
        backbone="EfficientNetLite0",
        weights="none",
        image_size=32,
        stages="head:1,top1:1",
        batch_size="auto",
        run_dir=str(tmp_path / "run"),
    )
    # A parent that holds much must not count as memory of the child.
    ballast = bytearray(b"1") * int(4e9)
    trial = batch_size._try(config, 8, Signals())
    assert len(ballast) == 4e9
    del ballast
    assert trial is not None
    assert (trial.limit, trial.fits) == (16, None)
    (small, low), (large, high) = trial.measured
    assert (small, large) == (2, 8)
    # TensorFlow and a small network, in bytes and not in kilobytes.
    assert 2e8 < low <= high < 3e9
    broken = TrainConfig(
        **{**vars(config), "dataset": f"folder:{tmp_path / 'nothing'}"}
    )
    with pytest.raises(errors.ConfigError, match="there is no folder"):
        batch_size._try(broken, 8, Signals())
