"""Signals that end a command as an exception does, so that nothing half-written stays.

While a run trains it listens itself, and saves its state first: see
`kft.training.monitoring.signals`.
"""

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kft import errors

# Some send a signal to a process and to its group: the second comes at once, while
# what the first has ended is cleared away.
_PATIENCE_SECONDS = 2.0
# Until a signal whose exception was dropped is sent again: the callback that dropped it
# is over by then, in most cases.
_AGAIN_SECONDS = 0.05


class Stopped(BaseException):
    """A signal ended the command.

    Like KeyboardInterrupt it is no Exception: whoever goes on after one must not go on
    after this.

    Attributes:
        signal: what was received.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(
            f"Stopped by {number.name}; what was written before is whole. The same "
            "command goes on."
        )
        self.signal = number


class _LaterSender:
    """Sends signals to this process, each a moment later and once."""

    def __init__(self) -> None:
        self._timers: dict[signal.Signals, threading.Timer] = {}
        self._waiting: set[signal.Signals] = set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it is on its way."""
        if number in self._waiting:
            return
        timer = threading.Timer(_AGAIN_SECONDS, self._arrive, [number])
        timer.daemon = True
        self._timers[number] = timer
        self._waiting.add(number)
        timer.start()

    def end(self) -> None:
        """Send no more."""
        for timer in self._timers.values():
            timer.cancel()
            timer.join()

    def _arrive(self, number: signal.Signals) -> None:
        # It may have to be sent anew before this thread has ended.
        self._waiting.discard(number)
        _thread.interrupt_main(number)


@contextmanager
def raising() -> Iterator[None]:
    """Raise `Stopped` where one of `errors.STOP_SIGNALS` comes within the block.

    Ctrl-C raises KeyboardInterrupt already. Where either is raised within a `__del__`
    or the callback of a weak reference, Python drops it and goes on; then the signal
    comes again, until it is heard.
    Only a process' main thread can catch signals; elsewhere nothing is caught.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    latest = float("-inf")
    sender = _LaterSender()

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal latest
        del frame
        now = time.monotonic()
        if now - latest > _PATIENCE_SECONDS:
            latest = now
            raise Stopped(signal.Signals(number))

    def again(dropped: "sys.UnraisableHookArgs") -> None:
        nonlocal latest
        if isinstance(dropped.exc_value, Stopped):
            latest, number = float("-inf"), dropped.exc_value.signal
        elif isinstance(dropped.exc_value, KeyboardInterrupt):
            number = signal.SIGINT
        else:
            report(dropped)
            return
        # Not here: what is raised in this function is dropped as well.
        sender.send(number)

    previous = {number: signal.signal(number, stop) for number in errors.STOP_SIGNALS}
    report, sys.unraisablehook = sys.unraisablehook, again
    try:
        yield
    finally:
        sys.unraisablehook = report
        try:
            # No signal may come when its handler is gone.
            sender.end()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def ignore_ctrl_c() -> None:
    """Let the process end in its own way however often Ctrl-C comes from now on.

    Who is impatient presses it again, and would see a traceback in place of the
    message, and another exit code.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
