"""Signals that ask a run to save and stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SAVE_AND_STOP = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interrupt:
    """Remembers the first signal; the loop looks at it between host calls."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note the signal; a second SIGINT stops at once."""
        del frame
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Catch SIGTERM and SIGUSR1 (spot machines, Slurm) and SIGINT (Ctrl-C).

    Only a process' main thread can catch signals; elsewhere nothing is caught.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    previous = {number: signal.getsignal(number) for number in _SAVE_AND_STOP}
    for number in _SAVE_AND_STOP:
        signal.signal(number, interrupt.handle)
    try:
        yield interrupt
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
