"""The likeliest text of the outputs of CTC, by a prefix beam search.

All ways to spell a text count together, which the likeliest symbol of each step does
not do. Hannun et al., First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs, arXiv 1408.2873, algorithm 1.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

Prefix = tuple[int, ...]
_NEVER = -np.inf


class Scorer(Protocol):
    """What is known of texts, in logarithms that are added to those of CTC."""

    def added(self, prefix: Prefix, symbol: int) -> float:
        """Return what a symbol after a text adds; -inf where it may not stand there."""

    def ending(self, prefix: Prefix) -> float:
        """Return what is added where a text ends; -inf where it may not end so."""


class Found(NamedTuple):
    """A text, and the logarithm of what it is worth."""

    symbols: Prefix
    score: float


class _Beam(NamedTuple):
    """Logarithms of the probabilities of a prefix by its last step, and its score."""

    blank: float
    symbol: float
    text: float

    @property
    def total(self) -> float:
        return float(np.logaddexp(self.blank, self.symbol))


def best(
    logs: np.ndarray,
    *,
    width: int,
    scorers: Sequence[Scorer] = (),
    least: float = _NEVER,
) -> Prefix:
    """Return the best text that may end so; the arguments are those of `search`.

    Where all that is left of the beam may go on only, as within a word of a list, the
    likeliest is cut back to where it may end, which may leave nothing.
    """
    symbols, score = search(logs, width=width, scorers=scorers, least=least)[0]
    if score > _NEVER:
        return symbols
    while symbols and any(one.ending(symbols) == _NEVER for one in scorers):
        symbols = symbols[:-1]
    return symbols


def search(
    logs: np.ndarray,
    *,
    width: int,
    scorers: Sequence[Scorer] = (),
    least: float = _NEVER,
) -> list[Found]:
    """Return texts with what they are worth, the best first.

    Those that may not end so are worth -inf; they are in the order of their beginnings.

    Args:
        logs: logarithms of probabilities, [steps, symbols + 1], the last the blank's.
        width: prefixes that are followed from step to step.
        scorers: what is known of texts besides.
        least: symbols with less than that at a step do not go on with a text there.
    """
    beams: dict[Prefix, _Beam] = {(): _Beam(0.0, _NEVER, 0.0)}
    for step in logs.tolist():
        grown = _grown(beams, step, scorers, least)
        ranked = sorted(grown.items(), key=lambda one: -one[1].total - one[1].text)
        beams = dict(ranked[:width])
    found = [
        Found(prefix, beam.total + beam.text + sum(s.ending(prefix) for s in scorers))
        for prefix, beam in beams.items()
    ]
    return sorted(found, key=lambda one: -one.score)


def _grown(
    beams: dict[Prefix, _Beam],
    step: Sequence[float],
    scorers: Sequence[Scorer],
    least: float,
) -> dict[Prefix, _Beam]:
    """Return the prefixes after a step that are or were among the beams, or longer."""
    *of_symbols, of_blank = step
    going_on = [one for one, log in enumerate(of_symbols) if log > least]
    # The sums of both kinds, by prefix.
    blanks: dict[Prefix, float] = {}
    symbols: dict[Prefix, list[float]] = {}
    texts = {prefix: beam.text for prefix, beam in beams.items()}
    for prefix, beam in beams.items():
        total = beam.total
        blanks[prefix] = total + of_blank
        last = prefix[-1] if prefix else None
        if last is not None:
            symbols.setdefault(prefix, []).append(beam.symbol + of_symbols[last])
        for symbol in going_on:
            longer = (*prefix, symbol)
            if longer not in texts:
                added = sum(one.added(prefix, symbol) for one in scorers)
                texts[longer] = beam.text + added
            if texts[longer] == _NEVER:
                continue
            # Without a blank between them, two that are alike are one.
            before = beam.blank if symbol == last else total
            symbols.setdefault(longer, []).append(before + of_symbols[symbol])
    return {
        prefix: _Beam(
            blanks.get(prefix, _NEVER), _sum(symbols.get(prefix, ())), texts[prefix]
        )
        for prefix in dict.fromkeys((*blanks, *symbols))
    }


def _sum(logs: Iterable[float]) -> float:
    """Return the logarithm of a sum of numbers, by their logarithms."""
    return float(np.logaddexp.reduce([_NEVER, *logs]))
