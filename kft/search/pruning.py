"""The median stopping rule: which trials are not worth their last epochs."""

import statistics
from collections.abc import Sequence

# What Katib's median stopping asks for before it stops anything.
MIN_FINISHED = 3
# Of the epochs of a trial: the warm-up, and the stage of the head in most recipes.
MIN_SHARE = 1 / 3


def is_hopeless(
    curve: Sequence[float],
    epochs: int,
    finished: Sequence[Sequence[float]],
    *,
    higher_is_better: bool,
) -> bool:
    """Return whether a trial's best is worse than the median of the others' means.

    The rule of Google Vizier (Golovin et al. 2017, section 3.1.2), with the share of
    the epochs in place of the step: trials may have stages of different lengths.

    Args:
        curve: what chooses the best trial, after each epoch of this one so far.
        epochs: that the trial has in all, at least as many as it has done.
        finished: the whole curves of trials that were not stopped.
        higher_is_better: of that figure.
    """
    curves = [other for other in finished if other]
    done = len(curve)
    if not curve or done < MIN_SHARE * epochs or len(curves) < MIN_FINISHED:
        return False
    # The same share of the others' epochs, rounded up.
    means = [
        statistics.fmean(other[: -(-done * len(other) // epochs)]) for other in curves
    ]
    median = statistics.median(means)
    return max(curve) < median if higher_is_better else min(curve) > median
