"""The time that passes before the first step is done, and what it goes to."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StartupTimer:
    """Seconds of each part of the start of this process' run.

    Args:
        imported: seconds that starting Python and importing took; None where unknown.
        clock: the monotonic time, in seconds.
    """

    def __init__(
        self, imported: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._first_step_from: float | None = None
        if imported is not None:
            self._seconds["import"] = imported

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Take the time of the block, which is no part of the first step then."""
        start = self._clock()
        yield
        taken = self._clock() - start
        self._seconds[name] = self._seconds.get(name, 0.0) + taken
        if self._first_step_from is not None:
            self._first_step_from += taken

    def await_first_step(self) -> None:
        """Say that what follows is what the first step takes: building and tracing."""
        if "first_step" not in self._seconds and self._first_step_from is None:
            self._first_step_from = self._clock()

    def first_step_done(self) -> None:
        """Say that a step is done; only the first one counts."""
        if self._first_step_from is not None:
            self._seconds["first_step"] = self._clock() - self._first_step_from
            self._first_step_from = None

    def seconds(self) -> dict[str, float]:
        """Return the seconds by part, in the order in which the parts began."""
        return {name: round(value, 3) for name, value in self._seconds.items()}
