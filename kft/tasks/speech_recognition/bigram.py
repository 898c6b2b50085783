"""Language models of pairs: how likely a word, or a character, is after another."""

import collections
import itertools
import math
from collections.abc import Callable, Iterable, Mapping

# Stands before the first of a sequence, and after its last.
EDGE = ""


class Bigram:
    """Probabilities of what follows, smoothed after Witten and Bell (1991).

    Where few different ones have followed, what was seen counts for more; the rest
    goes to how often something was seen at all, and to what `base` says of it.
    """

    def __init__(
        self, pairs: Mapping[tuple[str, str], int], base: Callable[[str], float]
    ) -> None:
        """Make the model.

        Args:
            pairs: how often the second followed the first.
            base: the probability of what may never have been seen.
        """
        self._pairs = dict(pairs)
        self._base = base
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
        alone = self._seen[second] + max(kinds, 1) * self._base(second)
        alone /= max(self._total + kinds, 1)
        different = self._followers[first]
        if not different:
            return math.log(alone)
        seen = self._pairs.get((first, second), 0)
        return math.log(
            (seen + different * alone) / (self._followed[first] + different)
        )


def count(sequences: Iterable[Iterable[str]]) -> dict[tuple[str, str], int]:
    """Return how often one follows another in sequences, their edges among them."""
    pairs: collections.Counter[tuple[str, str]] = collections.Counter()
    for sequence in sequences:
        whole = [EDGE, *sequence, EDGE]
        pairs.update(itertools.pairwise(whole))
    return dict(pairs)


def of_characters(pairs: Mapping[tuple[str, str], int], symbols: int) -> Bigram:
    """Return a model of so many symbols, of which all may follow any."""
    return Bigram(pairs, lambda sign: 1 / (symbols + 1))


def of_words(pairs: Mapping[tuple[str, str], int], symbols: int) -> Bigram:
    """Return a model of words; one that was never seen is as likely as its spelling."""
    words = {word for pair in pairs for word in pair if word != EDGE}
    letters = of_characters(count(words), symbols)

    def spelled(word: str) -> float:
        whole = [EDGE, *word, EDGE]
        return math.exp(sum(itertools.starmap(letters.log, itertools.pairwise(whole))))

    return Bigram(pairs, spelled)
