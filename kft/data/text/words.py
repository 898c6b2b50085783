"""Words of a text, which are what tags belong to.

A word is a run of letters, digits and underscores, or a single other sign; a Chinese
character is one, too. Accents and joiners belong to what they follow. Where a text has
`SEPARATOR` in it, words are what stands between these, whatever is in them: so words
that somebody has split already stay as they are.
"""

import functools
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

# UNIT SEPARATOR of ASCII.
SEPARATOR = "\x1f"
# Kinds of characters: between words; part of a run; a word by itself; part of what it
# follows.
BLANK, RUN, SIGN, JOINER = range(4)
_CHARACTERS = 0x110000
_KINDS = {"Z": BLANK, "L": RUN, "N": RUN, "M": JOINER}
_KINDS_OF_TWO = {"Cc": BLANK, "Cf": JOINER}
# CJK ideographs, as BERT has them (google-research/bert, tokenization.py).
_CHINESE = (
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xF900, 0xFB00),
    (0x20000, 0x2A6E0),
    (0x2A700, 0x2CEB0),
    (0x2F800, 0x2FA20),
)


class WordSpan(NamedTuple):
    """A place in a text, in characters: text[begin:end]."""

    begin: int
    end: int


@functools.cache
def kind_ranges() -> tuple[np.ndarray, np.ndarray]:
    """Return where characters of one kind begin, and that kind; int32 [ranges] each.

    The first range begins at code point 0; each goes up to the next.
    """
    kinds = np.array([_kind(code) for code in range(_CHARACTERS)], np.int32)
    for begin, end in _CHINESE:
        kinds[begin:end] = SIGN
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    return starts.astype(np.int32), kinds[starts]


def _kind(code: int) -> int:
    category = unicodedata.category(chr(code))
    if chr(code) == "_":
        return RUN
    return _KINDS_OF_TWO.get(category, _KINDS.get(category[0], SIGN))


def spans(text: str) -> list[WordSpan]:
    """Return where the words of a text are, in its order."""
    # A blank before the text, so that its first character has one before it.
    codes = np.frombuffer(f" {text}".encode("utf-32-le"), np.int32)
    if SEPARATOR in text:
        kinds = np.where(codes == ord(SEPARATOR), BLANK, RUN)
        kinds[0] = BLANK
    else:
        starts, found = kind_ranges()
        kinds = found[np.searchsorted(starts, codes, side="right") - 1]
    begins = _begins(kinds)
    ends = (kinds != BLANK) & np.append(begins[1:] | (kinds[1:] == BLANK), True)
    pairs = zip(np.flatnonzero(begins), np.flatnonzero(ends), strict=True)
    return [WordSpan(int(begin) - 1, int(end)) for begin, end in pairs]


def _begins(kinds: np.ndarray) -> np.ndarray:
    """Return which characters begin a word, bool [n]; the first one is a blank."""
    is_base = kinds != JOINER
    # Of a joiner the kind of what it follows; after a blank it begins a run.
    bases = kinds[is_base][np.cumsum(is_base) - 1]
    bases = np.where(~is_base & (bases == BLANK), RUN, bases)
    before, base_before = np.roll(kinds, 1), np.roll(bases, 1)
    of_run = (kinds == RUN) & (base_before != RUN)
    of_joiner = (kinds == JOINER) & (before == BLANK)
    begins: np.ndarray = (kinds == SIGN) | of_run | of_joiner
    return begins


def of_text(text: str) -> list[str]:
    """Return the words of a text."""
    return [text[span.begin : span.end] for span in spans(text)]


def joined(words: Iterable[str]) -> str:
    """Return the text of words that are split already; `of_text` gives them back."""
    return "".join(f"{word}{SEPARATOR}" for word in words)


def readable(text: str) -> str:
    """Return a text as people read it, of the same length."""
    return text.replace(SEPARATOR, " ")
