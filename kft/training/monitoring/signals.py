"""Signals that ask a run to save and stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, MethodType

from kft import errors

_SAVE_AND_STOP = (*errors.STOP_SIGNALS, signal.SIGINT)


class Signals:
    """Remembers the first signal; whatever takes long looks at it now and then."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._agree: Callable[[int], int] = lambda number: number

    def join(self, agree: Callable[[int], int]) -> None:
        """Let a signal to any worker count from now on, for `check`.

        Args:
            agree: from this worker's signal, or 0, to that of one that has one.
        """
        self._agree = agree

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note the signal; a second SIGINT stops at once."""
        del frame
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)

    def check(self) -> None:
        """Stop here if a signal came; only where everything worth keeping is saved.

        All workers have to call it, and all of them stop.

        Raises:
            errors.Interrupted: naming the signal.
        """
        number = self._agree(self.signal or 0)
        if number:
            raise errors.Interrupted(signal.Signals(number))


@contextmanager
def listening() -> Iterator[Signals]:
    """Catch `errors.STOP_SIGNALS` and SIGINT (Ctrl-C).

    Within another such block it gives that one's interrupt, so that a signal that came
    before is not forgotten. Only a process' main thread can catch signals; elsewhere
    nothing is caught.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if isinstance(handler, MethodType) and isinstance(handler.__self__, Signals):
        yield handler.__self__
        return
    interrupt = Signals()
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
