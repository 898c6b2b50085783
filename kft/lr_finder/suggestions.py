"""The rates that a range test suggests: arithmetic on its curve, no TensorFlow.

The rate grows exponentially from step to step while the loss is watched (Smith,
Cyclical Learning Rates for Training Neural Networks, arXiv 1506.01186, section 3.3).
Smoothing, the end of the test and the suggestions are those of fastai's `lr_find`
(fastai/callback/schedule.py and `AvgSmoothLoss` in fastai/learner.py); which of them is
taken is not.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

_SMOOTHING = 0.98
# The test ends where the smoothed loss is this many times its lowest value.
DIVERGED = 4.0
# What is left out of the suggestions: the start, when the mean is of few steps, as a
# share of all steps; and the last steps, when the loss runs away.
_SKIPPED_START, _SKIPPED_END = 0.1, 5
_FEWEST_POINTS = 3
# A descent counts where it is this many standard errors of the mean that it starts at.
_SIGNIFICANT = 3.0


def rates(lowest: float, highest: float, steps: int) -> list[float]:
    """Return the rate of each step, evenly spaced over the magnitudes."""
    found: list[float] = np.geomspace(lowest, highest, steps).tolist()
    return found


@dataclasses.dataclass(frozen=True)
class Curve:
    """The loss against the rate.

    Attributes:
        rates: of the steps that were done.
        losses: of the same steps, each before its update.
        smoothed: exponential moving average of the losses up to each step.
        planned: steps that the test would have had without diverging.
    """

    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    smoothed: tuple[float, ...] = ()
    planned: int = 100

    def add(self, rate: float, loss: float) -> "Curve":
        """Return the curve with one more step.

        The moving average is divided by the sum of its weights (Kingma and Ba, arXiv
        1412.6980, section 3), so that its beginning is not drawn to zero.
        """
        count = len(self.losses)
        debt = 1 - _SMOOTHING**count
        before = self.smoothed[-1] * debt if count else 0.0
        total = _SMOOTHING * before + (1 - _SMOOTHING) * loss
        return dataclasses.replace(
            self,
            rates=(*self.rates, rate),
            losses=(*self.losses, loss),
            smoothed=(*self.smoothed, total / (1 - _SMOOTHING ** (count + 1))),
        )

    @property
    def has_diverged(self) -> bool:
        """Return whether higher rates can tell nothing any more."""
        last = self.smoothed[-1]
        return not math.isfinite(last) or last > DIVERGED * min(self.smoothed)


@dataclasses.dataclass(frozen=True)
class Suggestions:
    """Peak rates, by rule; all are None where the loss falls no more than it scatters.

    Attributes:
        valley: the middle of the longest descent; fastai's default.
        steep: where the loss falls fastest.
        minimum: a tenth of the rate with the lowest loss.
    """

    valley: float | None
    steep: float | None
    minimum: float | None

    @property
    def best(self) -> float | None:
        """Return the one to take.

        fastai takes the valley's. In stages that warm up and cool down it is low: of
        four heads it was 2 to 15 times below `minimum`, which was nearer to the best of
        a grid or as near (configs/README.md has the figures).
        """
        return self.minimum


def suggest(curve: Curve) -> Suggestions:
    """Return what the rules say about a curve."""
    start = int(_SKIPPED_START * curve.planned)
    stop = max(len(curve.rates) - _SKIPPED_END, start)
    tested = np.array(curve.rates[start:stop])
    losses = np.array(curve.smoothed[start:stop])
    scatter = np.array(curve.losses[start:stop]) - losses
    if not falls(losses, scatter, averaged=start + 1):
        return Suggestions(None, None, None)
    return Suggestions(
        valley=float(tested[valley(losses)]),
        steep=float(tested[steepest(np.log(tested), losses)]),
        minimum=float(tested[losses.argmin()]) / 10,
    )


def falls(losses: np.ndarray, scatter: np.ndarray, *, averaged: int) -> bool:
    """Return whether the smoothed loss falls more than chance would have it.

    A network that is good already, as at the start of a later stage, has little to
    gain in the steps of a test; then the rules would only find noise. Of 1,000 tests of
    100 losses that only scatter, 24 were taken for a descent with normal losses, and 91
    with exponential ones: the lowest of many points is compared.

    Args:
        losses: smoothed.
        scatter: of the single losses around these.
        averaged: losses that the first smoothed one is the mean of.
    """
    if len(losses) < _FEWEST_POINTS or not np.isfinite(losses).all():
        return False
    lowest = int(losses.argmin())
    if not lowest:
        return False
    error = scatter[: lowest + 1].std() / math.sqrt(averaged)
    return bool(losses[0] - losses[lowest] > _SIGNIFICANT * error)


def steepest(positions: np.ndarray, losses: np.ndarray) -> int:
    """Return where the loss falls fastest.

    Args:
        positions: logarithms of the rates, ascending.
        losses: at the same places.
    """
    return int((np.diff(losses) / np.diff(positions)).argmin())


def valley(losses: Sequence[float] | np.ndarray) -> int:
    """Return the middle of the longest descent.

    The longest descent is the longest strictly decreasing subsequence. As in fastai, it
    is taken to have no gaps: it reaches back from its end as many points as it has, and
    the place is half way in it, a third and a sixth rounded down each.
    """
    lengths: list[int] = []
    for i, loss in enumerate(losses):
        earlier = (lengths[j] for j in range(i) if losses[j] > loss)
        lengths.append(1 + max(earlier, default=0))
    longest = max(lengths)
    third = longest / 3
    before = lengths.index(longest) - longest
    return max(before + int(third) + int(third / 2), 0)


def rounded(rate: float) -> float:
    """Return a rate with two significant digits: the test knows no more."""
    return float(f"{rate:.2g}")
