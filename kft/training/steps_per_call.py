"""The number of steps that one host call makes."""

from typing import Literal

_MOST_GROWTH = 4


class StepsPerCall:
    """A number of steps that is fixed, or follows how long calls take.

    Args:
        steps: per call, or auto.
        seconds: that a call is to last, for auto.
    """

    def __init__(self, steps: int | Literal["auto"], *, seconds: float) -> None:
        self._is_fixed = steps != "auto"
        self._seconds = seconds
        self.steps = 1 if steps == "auto" else steps

    def fitting(self, count: int, seconds: float) -> int:
        """Return the steps that a call should make after one that took `seconds`.

        The first calls trace and warm up, so the number grows in a few calls.

        Args:
            count: steps of that call.
            seconds: that it took.
        """
        if self._is_fixed:
            return self.steps
        fitting = int(self._seconds * count / max(seconds, 1e-9))
        return max(1, min(fitting, _MOST_GROWTH * self.steps))
