"""The symbols that transcripts are spelled with, and the rules for their texts.

A symbol is a character. Their names are those characters, but for the blank between
words, which a table of names cannot show.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from kft import errors
from kft.data.labels import LabelMap
from kft.data.sources import text_file

SPACE = "<space>"
Rule = Literal["lower", "keep"]
# In words, for people: by the rule.
RULES = {
    "lower": "small letters, digits, and apostrophes within words; other signs are "
    "blanks",
    "keep": "as they are, with one blank between words",
}
_APOSTROPHES = str.maketrans("\u2019\u02bc\u2018`", "''''")


def normalized(text: str, rule: Rule) -> str:
    """Return what is to be learned of a transcript.

    Args:
        text: as the data has it.
        rule: `lower`: NFC, small letters, digits, and apostrophes between letters, with
            a blank in place of every other sign; `keep`: NFC alone. Both have one blank
            between words and none at the ends.
    """
    text = unicodedata.normalize("NFC", text)
    if rule == "lower":
        text = text.translate(_APOSTROPHES).lower()
        text = "".join(
            sign if sign == "'" or unicodedata.category(sign)[0] in "LMN" else " "
            for sign in text
        )
        text = " ".join(word.strip("'") for word in text.split())
    return " ".join(text.split())


def of_texts(texts: Iterable[str]) -> LabelMap:
    """Return the symbols of normalized texts: the blank first, the others sorted."""
    signs = {sign for text in texts for sign in text}
    return _label_map(sorted(signs))


def read(path: str, *, flag: str | None = None) -> LabelMap:
    """Return the symbols of a file: one a line, a line with a blank for the blank.

    Lines that begin with # are comments, as in the alphabet.txt of DeepSpeech; \\# is
    the sign itself.

    Args:
        path: of the file.
        flag: how messages call it; default `--alphabet`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: naming the line that is no symbol.
    """
    flag = flag or f"--alphabet={path}"
    text_file.check_exists(path, flag=flag)
    signs = []
    for number, line in enumerate(text_file.read(path, flag).split("\n"), start=1):
        sign = line.rstrip("\r")
        if sign == "\\#":
            sign = "#"
        elif not sign or sign.startswith("#"):
            continue
        if len(unicodedata.normalize("NFC", sign)) != 1:
            raise errors.DataError(
                f"{flag}, line {number}: expected one character, received {sign!r}."
            )
        signs.append(unicodedata.normalize("NFC", sign))
    return _label_map(signs)


def _label_map(signs: Sequence[str]) -> LabelMap:
    return LabelMap(tuple(SPACE if sign == " " else sign for sign in signs))


def ids(text: str, symbols: LabelMap) -> np.ndarray:
    """Return the numbers of the symbols of a normalized text, int32 [characters].

    Raises:
        errors.DataError: naming the first character that is no symbol.
    """
    names = [SPACE if sign == " " else sign for sign in text]
    return np.array([symbols.index(name) for name in names], np.int32)


def text(numbers: Iterable[int], symbols: LabelMap) -> str:
    """Return the text of some numbers."""
    return "".join(sign_of(symbols.names[number]) for number in numbers)


def sign_of(name: str) -> str:
    """Return the character of a symbol's name."""
    return " " if name == SPACE else name


def steps_needed(numbers: np.ndarray) -> int:
    """Return the fewest steps that CTC can spell a text in.

    One for each symbol, and a blank between two that are alike.
    """
    return len(numbers) + int((numbers[1:] == numbers[:-1]).sum())
