"""A signal ends a command like an exception, so that all its blocks end."""

import os
import signal
import threading
from pathlib import Path

import pytest

from kft.cli import stop_signals


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


def test_other_threads_run_without_it() -> None:
    ran = []

    def work() -> None:
        with stop_signals.raising():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran
