"""A test for a difference of two classifiers: the examples that only one gets right."""

from collections.abc import Sequence


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of two classifiers on the same examples.

    McNemar, Psychometrika 12 (1947), in its exact form: where both are equally good, an
    example that only one of them gets right is either's with probability 1/2.

    Args:
        only_first: examples that only the first gets right.
        only_second: likewise.
    """
    discordant = only_first + only_second
    if not discordant:
        return 1.0
    from scipy import stats  # Slow to import.

    return float(stats.binomtest(only_first, discordant, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for being several, in the same order.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 6 (1979): below 0.05, the chance of any wrong claim is below 0.05.
    """
    corrected = [1.0] * len(p_values)
    highest = 0.0
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    for rank, position in enumerate(order):
        value = min(1.0, (len(p_values) - rank) * p_values[position])
        highest = max(highest, value)
        corrected[position] = highest
    return corrected
