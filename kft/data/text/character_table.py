"""What becomes of each character before words are cut into pieces.

The rules are those of `tokenizers`, whose tables are of another version of Unicode than
Python's; so each character is shown to it once, and what it makes of it is kept.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kft.data.text.text_extra import TEXT
from kft.data.text.wordpiece import WordPiece

# What becomes of a character.
SAME, GONE, APART, OTHER = range(4)
_CHARACTERS = 0x110000
_SURROGATES = range(0xD800, 0xE000)
# Characters that stay as they are and keep others apart.
_ZERO, _LETTER = "0", "a"
_CHUNK = 16_384


@dataclasses.dataclass(frozen=True, eq=False)
class CharacterTable:
    """What becomes of each code point.

    Attributes:
        starts: int32 [ranges], first code point of each range, ascending from 0.
        kinds: int32 [ranges], of the code points up to the next range: SAME, GONE,
            APART (blanks on both sides), or OTHER (see below).
        changed: int32 [k], code points of the kind OTHER, ascending.
        replacements: str [k], what stands in their place.
    """

    starts: np.ndarray
    kinds: np.ndarray
    changed: np.ndarray
    replacements: np.ndarray


@functools.cache
def make(tokenizer: WordPiece) -> CharacterTable:
    """Return the table of a tokenizer; takes a few seconds.

    Raises:
        errors.ConfigError: where the package `tokenizers` is not installed.
    """
    kinds = np.full(_CHARACTERS, GONE, np.int32)
    changed: dict[int, str] = {}
    pairs = list(_normalized(tokenizer.normalizer))
    parts = _splits(sorted(set("".join(normal for _, normal in pairs))))
    for character, normal in pairs:
        code = ord(character)
        if normal == character and character not in parts:
            kinds[code] = SAME
            continue
        replacement = "".join(parts.get(one, one) for one in normal)
        if replacement == f" {character} ":
            kinds[code] = APART
        elif replacement:
            kinds[code] = OTHER
            changed[code] = replacement
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    return CharacterTable(
        starts=starts.astype(np.int32),
        kinds=kinds[starts],
        changed=np.array(sorted(changed), np.int32),
        replacements=np.array([changed[k].encode() for k in sorted(changed)], object),
    )


def _normalized(normalizer: Any) -> Iterator[tuple[str, str]]:
    """Yield every character with what the normalizer makes of it."""
    yield _ZERO, normalizer.normalize_str(_ZERO)
    codes = (code for code in range(_CHARACTERS) if code not in _SURROGATES)
    characters = [chr(code) for code in codes if code != ord(_ZERO)]
    for start in range(0, len(characters), _CHUNK):
        chunk = characters[start : start + _CHUNK]
        # No other character has a zero among what becomes of it.
        made = normalizer.normalize_str(_ZERO.join(chunk)).split(_ZERO)
        yield from zip(chunk, made, strict=True)


def _splits(characters: Sequence[str]) -> dict[str, str]:
    """Return the characters that words are split at, as they are with blanks."""
    tokenizers = TEXT.require("tokenizers")
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    found = {}
    for start in range(0, len(characters), _CHUNK):
        chunk = characters[start : start + _CHUNK]
        text = "".join(f"{_LETTER}{one}" for one in chunk) + _LETTER
        end = 0
        for word, (begin, next_end) in splitter.pre_tokenize_str(text):
            # What stands between two words is a blank.
            found.update(dict.fromkeys(text[end:begin], " "))
            if len(word) == 1 and begin % 2:
                found[word] = f" {word} "
            end = next_end
    return found
