"""Precision, recall and F1 out of counts, which may be sums of shares."""


def precision_recall_f1(
    found: float, *, said: float, true: float
) -> tuple[float, float, float]:
    """Return precision, recall and F1, in [0, 1]; 0 where there is nothing.

    Args:
        found: how many of those that there are were said.
        said: how many were said.
        true: how many there are.
    """
    return (
        found / said if said else 0.0,
        found / true if true else 0.0,
        2 * found / (said + true) if said + true else 0.0,
    )
