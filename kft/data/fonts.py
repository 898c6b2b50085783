"""Fonts that have the letters of a text, whatever their script."""

import functools
from collections.abc import Iterable

from matplotlib import font_manager, ft2font

# A font of matplotlib (3.10) that has a box for every letter there is.
_PLACEHOLDERS = "Last Resort"


def families(texts: Iterable[str]) -> list[str] | None:
    """Return names of fonts that together have all letters; None where none are there.

    The first is the usual one of matplotlib, which draws with it what it can.
    """
    found, missing = _find(texts)
    return None if missing else [name for name, _ in found]


def files(texts: Iterable[str]) -> list[str]:
    """Return paths of fonts that together have all letters that any font here has."""
    found, _ = _find(texts)
    return [path for _, path in found]


def _find(texts: Iterable[str]) -> tuple[list[tuple[str, str]], set[int]]:
    """Return names and paths of fonts, and the code points that none of them has."""
    manager = font_manager.fontManager
    usual = manager.defaultFamily["ttf"]
    path = font_manager.findfont(usual)
    missing = {ord(letter) for text in texts for letter in text if letter != "\n"}
    missing -= letters(path)
    found: list[tuple[str, str]] = [(usual, path)]
    for font in sorted(manager.ttflist, key=lambda one: (one.name, one.fname)):
        if not missing:
            break
        own = letters(font.fname) & missing
        if own and not font.name.startswith(_PLACEHOLDERS):
            found.append((font.name, font.fname))
            missing -= own
    return found, missing


@functools.cache
def letters(path: str) -> frozenset[int]:
    """Return the code points that a font file has a glyph for."""
    try:
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # It was there when fonts were listed.
        return frozenset()
