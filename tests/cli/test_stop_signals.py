"""A signal ends a command like an exception, so that all its blocks end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kft.cli import stop_signals


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """Hear Ctrl-C as Python does; shells start what runs behind & without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_the_block_and_what_is_in_it(number: signal.Signals) -> None:
    before, ended = signal.getsignal(number), []
    with (
        pytest.raises(stop_signals.Stopped, match=f"Stopped by {number.name};"),
        stop_signals.raising(),
    ):
        try:
            signal.raise_signal(number)
        except Exception:  # noqa: BLE001, whoever goes on after one
            pytest.fail("taken for an error")
        finally:
            ended.append(True)
    assert ended
    assert signal.getsignal(number) is before


def test_the_second_of_two_at_once_does_not_disturb_the_clearing_away(
    tmp_path: Path,
) -> None:
    half = tmp_path / "half"
    with pytest.raises(stop_signals.Stopped), stop_signals.raising():
        try:
            half.touch()
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            half.unlink()
    assert not half.exists()


def test_a_later_signal_counts_where_the_first_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stop_signals, "_PATIENCE_SECONDS", -1.0)
    with pytest.raises(stop_signals.Stopped), stop_signals.raising():
        with pytest.raises(stop_signals.Stopped):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)


class _EndsWith:
    """Raises a signal where Python drops every exception.

    Args:
        number: of the signal.
        times: how often the signal's exception is dropped.
    """

    def __init__(self, number: signal.Signals, times: int = 1) -> None:
        self._number, self._times = number, times

    def __del__(self) -> None:
        if self._times > 1:
            _EndsWith(self._number, self._times - 1)
        signal.raise_signal(self._number)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGINT, KeyboardInterrupt),
        (signal.SIGTERM, stop_signals.Stopped),
        (signal.SIGUSR1, stop_signals.Stopped),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
def test_one_that_python_drops_comes_again(
    number: signal.Signals,
    expected: type[BaseException],
    times: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reported = sys.unraisablehook
    with pytest.raises(expected), stop_signals.raising():
        _EndsWith(number, times)
        for _ in range(1_000):
            time.sleep(0.01)
    assert sys.unraisablehook is reported
    assert "Exception ignored" not in capsys.readouterr().err


class _Slow:
    """Takes so long to go that the signal comes again meanwhile."""

    def __del__(self) -> None:
        time.sleep(3 * stop_signals._AGAIN_SECONDS)


def test_one_that_is_dropped_again_comes_once_more() -> None:
    with pytest.raises(stop_signals.Stopped), stop_signals.raising():
        _EndsWith(signal.SIGTERM)
        _Slow()
        _Slow()
        for _ in range(1_000):
            time.sleep(0.01)


def test_other_dropped_exceptions_are_reported_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type)
    )

    class Broken:
        def __del__(self) -> None:
            raise OSError

    with stop_signals.raising():
        Broken()
    assert reported == [OSError]


def test_one_that_was_dropped_as_the_block_ended_disturbs_nobody() -> None:
    with stop_signals.raising():
        _EndsWith(signal.SIGTERM)
    time.sleep(3 * stop_signals._AGAIN_SECONDS)


def test_other_threads_run_without_it() -> None:
    ran = []

    def work() -> None:
        with stop_signals.raising():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran
