"""Texts that nobody wrote, to ask an export with where the examples are gone."""

from collections.abc import Sequence

import numpy as np

_EXAMPLE = "Good"


def make(vocabulary: Sequence[str], count: int, *, longest: int) -> list[bytes]:
    """Return texts of words of a vocabulary, the same every time.

    Args:
        vocabulary: tokens.
        count: of texts.
        longest: words of a text, at least 1.
    """
    rng = np.random.default_rng(0)
    words = [one for one in vocabulary if one.isascii() and one.isalpha()]
    lengths = rng.integers(1, longest + 1, count)
    return [
        " ".join(rng.choice(words or [_EXAMPLE], length)).encode() for length in lengths
    ]
