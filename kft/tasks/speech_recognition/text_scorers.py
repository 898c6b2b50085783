"""What a prefix beam search knows of texts: a language model, or a list of words."""

import math
from collections.abc import Collection

from kft.data.audio import alphabet
from kft.data.labels import LabelMap
from kft.tasks.speech_recognition.bigram import EDGE, Bigram
from kft.tasks.speech_recognition.prefix_beam_search import Prefix

_NEVER = -math.inf


class CharacterScorer:
    """A bigram of characters. See `prefix_beam_search.Scorer`."""

    def __init__(
        self, model: Bigram, symbols: LabelMap, *, weight: float, bonus: float
    ) -> None:
        """Score characters.

        Args:
            model: of them.
            symbols: of the texts.
            weight: of the model's logarithms.
            bonus: for each character, against texts that are too short.
        """
        self._model, self._weight, self._bonus = model, weight, bonus
        self._signs = [alphabet.sign_of(name) for name in symbols.names]

    def added(self, prefix: Prefix, symbol: int) -> float:
        """Return what a character adds."""
        first = self._signs[prefix[-1]] if prefix else EDGE
        log = self._model.log(first, self._signs[symbol])
        return self._weight * log + self._bonus

    def ending(self, prefix: Prefix) -> float:
        """Return what the end adds."""
        first = self._signs[prefix[-1]] if prefix else EDGE
        return self._weight * self._model.log(first, EDGE)


class WordScorer:
    """A bigram of words, asked where one ends. See `prefix_beam_search.Scorer`."""

    def __init__(
        self, model: Bigram, symbols: LabelMap, *, weight: float, bonus: float
    ) -> None:
        """Score words; the arguments are those of `CharacterScorer`."""
        self._model, self._weight, self._bonus = model, weight, bonus
        self._symbols = symbols

    def added(self, prefix: Prefix, symbol: int) -> float:
        """Return what the word adds that a blank ends."""
        is_blank = self._symbols.names[symbol] == alphabet.SPACE
        return self._of_last(prefix) if is_blank else 0.0

    def ending(self, prefix: Prefix) -> float:
        """Return what the last word and the end add."""
        words = alphabet.text(prefix, self._symbols).split()
        end = self._weight * self._model.log(words[-1] if words else EDGE, EDGE)
        return end + self._of_last(prefix)

    def _of_last(self, prefix: Prefix) -> float:
        """Return what the last word of a text adds; 0 where none ends there."""
        text = alphabet.text(prefix, self._symbols)
        if not text or text.endswith(" "):
            return 0.0
        *before, word = text.split()
        log = self._model.log(before[-1] if before else EDGE, word)
        return self._weight * log + self._bonus


class WordList:
    """Words of a list, a blank between two. See `prefix_beam_search.Scorer`."""

    def __init__(self, words: Collection[str], symbols: LabelMap) -> None:
        """Allow these words, which are spelled with the symbols."""
        self._words = frozenset(words)
        self._begins = frozenset(
            word[:length] for word in words for length in range(1, len(word) + 1)
        )
        self._symbols = symbols

    def added(self, prefix: Prefix, symbol: int) -> float:
        """Return 0 where a word of the list goes on, or has ended before a blank."""
        sign = alphabet.sign_of(self._symbols.names[symbol])
        last = self._last(prefix)
        fits = last in self._words if sign == " " else last + sign in self._begins
        return 0.0 if fits else _NEVER

    def ending(self, prefix: Prefix) -> float:
        """Return 0 where the last word is whole."""
        last = self._last(prefix)
        return 0.0 if not last or last in self._words else _NEVER

    def _last(self, prefix: Prefix) -> str:
        return alphabet.text(prefix, self._symbols).rpartition(" ")[2]
