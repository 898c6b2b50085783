"""Language models of pairs: how likely a word, or a character, is after another."""

import collections
import itertools
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

# Stands before the first of a sequence, and after its last.
EDGE = ""


class Bigram:
    """Probabilities of what follows, smoothed after Witten and Bell (1991).

    Where few different ones have followed, what was seen counts for more; the rest
    goes to how often something was seen at all, and to what `base` says of it.
    """

    def __init__(
        self, pairs: Mapping[tuple[str, str], int], log_base: Callable[[str], float]
    ) -> None:
        """Make the model.

        Args:
            pairs: how often the second followed the first.
            log_base: the logarithm of the probability of what may never have been
                seen; the probability itself may be too small for a float.
        """
        self._pairs = dict(pairs)
        self._log_base = log_base
        self._followed: collections.Counter[str] = collections.Counter()
        self._followers: collections.Counter[str] = collections.Counter()
        self._seen: collections.Counter[str] = collections.Counter()
        for (first, second), count in pairs.items():
            self._followed[first] += count
            self._followers[first] += 1
            self._seen[second] += count
        self._total = sum(self._seen.values())

    def log(self, first: str, second: str) -> float:
        """Return the logarithm of the probability of `second` after `first`."""
        kinds = len(self._seen)
        log_unseen = math.log(max(kinds, 1)) + self._log_base(second)
        alone = _log_plus(self._seen[second], log_unseen)
        alone -= math.log(max(self._total + kinds, 1))
        different = self._followers[first]
        if not different:
            return alone
        seen = self._pairs.get((first, second), 0)
        return _log_plus(seen, math.log(different) + alone) - math.log(
            self._followed[first] + different
        )


def _log_plus(number: int, log: float) -> float:
    """Return the logarithm of a count and a number that is given by its logarithm."""
    return float(np.logaddexp(math.log(number), log)) if number else log


def count(sequences: Iterable[Iterable[str]]) -> dict[tuple[str, str], int]:
    """Return how often one follows another in sequences, their edges among them."""
    pairs: collections.Counter[tuple[str, str]] = collections.Counter()
    for sequence in sequences:
        whole = [EDGE, *sequence, EDGE]
        pairs.update(itertools.pairwise(whole))
    return dict(pairs)


def of_characters(pairs: Mapping[tuple[str, str], int], symbols: int) -> Bigram:
    """Return a model of so many symbols, of which all may follow any."""
    return Bigram(pairs, lambda sign: -math.log(symbols + 1))


def of_words(pairs: Mapping[tuple[str, str], int], symbols: int) -> Bigram:
    """Return a model of words; one that was never seen is as likely as its spelling."""
    words = {word for pair in pairs for word in pair if word != EDGE}
    letters = of_characters(count(words), symbols)

    def spelled(word: str) -> float:
        whole = [EDGE, *word, EDGE]
        return sum(itertools.starmap(letters.log, itertools.pairwise(whole)))

    return Bigram(pairs, spelled)
