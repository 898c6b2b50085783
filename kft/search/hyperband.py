"""The number of trials of hyperband, as keras-tuner (1.4.8) counts them.

Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, Hyperband, 2018.
"""

import math

FACTOR = 3  # As they advise: epochs from round to round.


def first_bracket(epochs: int) -> tuple[int, ...]:
    """Return the number of trials in each round of the first bracket.

    Those of the last round have all epochs, those of the others a third of the next.

    Args:
        epochs: of all stages, at least 1.
    """
    top = _brackets(epochs) - 1
    at_the_end = math.ceil(1 + math.log(epochs, FACTOR)) / (top + 1)
    return tuple(
        math.ceil(at_the_end * FACTOR ** (top - rank)) for rank in range(top + 1)
    )


def _brackets(epochs: float) -> int:
    count = 0
    while epochs >= 1:
        epochs, count = epochs / FACTOR, count + 1
    return count
