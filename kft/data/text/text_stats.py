"""The look of a text: its script, signs of a wrong encoding, and a sketch of it."""

import collections
import dataclasses
import re
import unicodedata

import numpy as np

from kft.data.text.text_extra import TEXT

# Of a sketch. The share of equal numbers estimates a similarity to about 0.04.
_NUMBERS = 128
_SCHEME = "affine32"
_SHINGLE = 4
_USUAL_CONTROLS = "\t\n\r"
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")


@dataclasses.dataclass(frozen=True, slots=True)
class TextStats:
    """What a text is like.

    Attributes:
        characters: how many there are.
        tokens: of the network, uncut, with those around the text.
        script: that most of its letters are of, such as LATIN; None without letters.
        controls: control characters, and those that stand for what could not be read.
        is_garbled: whether it looks like UTF-8 that was read as Windows-1252.
        markup: tags and entities of HTML.
        sketch: uint32 [128], MinHash of its runs of four characters.
    """

    characters: int
    tokens: int
    script: str | None
    controls: int
    is_garbled: bool
    markup: int
    sketch: np.ndarray


def measure(text: str, tokens: int) -> TextStats:
    """Return what a text of so many tokens is like."""
    return TextStats(
        characters=len(text),
        tokens=tokens,
        script=_script(text),
        controls=sum(map(_is_control, text)),
        is_garbled=_is_garbled(text),
        markup=len(_MARKUP.findall(text)),
        sketch=sketch(text),
    )


def sketch(text: str) -> np.ndarray:
    """Return the MinHash of a text, uint32 [128].

    Case, widths of characters and white space make no difference.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    runs = {plain[i : i + _SHINGLE] for i in range(max(1, len(plain) - _SHINGLE + 1))}
    made = TEXT.require("datasketch").MinHash(num_perm=_NUMBERS, scheme=_SCHEME)
    made.update_batch([run.encode("utf-8", "surrogatepass") for run in sorted(runs)])
    numbers: np.ndarray = made.hashvalues
    return numbers


def near_pairs(sketches: np.ndarray, least: float) -> np.ndarray:
    """Return pairs of texts that have much in common, int64 [2, pairs].

    Args:
        sketches: uint32 [n, 128].
        least: share of their runs of four characters that both have, of those that
            either has, estimated; in (0, 1].
    """
    datasketch = TEXT.require("datasketch")
    index = datasketch.MinHashLSH(threshold=least, num_perm=_NUMBERS)
    found = []
    for number, numbers in enumerate(sketches):
        made = datasketch.MinHash(hashvalues=numbers, scheme=_SCHEME)
        near = np.array(sorted(index.query(made)), np.int64)
        shares = (sketches[near] == numbers).mean(axis=1)
        found += [(int(other), number) for other in near[shares >= least]]
        index.insert(number, made)
    return np.array(found, np.int64).reshape(-1, 2).T


def _script(text: str) -> str | None:
    counts = collections.Counter(
        unicodedata.name(character, "?").split()[0]
        for character in text
        if character.isalpha()
    )
    return counts.most_common(1)[0][0] if counts else None


def _is_control(character: str) -> bool:
    is_odd = unicodedata.category(character) == "Cc"
    return (is_odd and character not in _USUAL_CONTROLS) or character == "\ufffd"


def _is_garbled(text: str) -> bool:
    if text.isascii():
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False
