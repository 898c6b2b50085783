"""Fonts that have the letters of class names, whatever their script."""

import functools
from collections.abc import Iterable

from matplotlib import font_manager, ft2font

# A font of matplotlib (3.10) that has a box for every letter there is.
_PLACEHOLDERS = "Last Resort"


def families(texts: Iterable[str]) -> list[str] | None:
    """Return names of fonts that together have all letters; None where none are there.

    The first is the usual one of matplotlib, which draws with it what it can.
    """
    manager = font_manager.fontManager
    usual = manager.defaultFamily["ttf"]
    missing = {ord(letter) for text in texts for letter in text if letter != "\n"}
    missing -= _letters(font_manager.findfont(usual))
    found = [usual]
    for font in sorted(manager.ttflist, key=lambda one: (one.name, one.fname)):
        if not missing:
            break
        own = _letters(font.fname) & missing
        if own and not font.name.startswith(_PLACEHOLDERS):
            found.append(font.name)
            missing -= own
    return None if missing else found


@functools.cache
def _letters(path: str) -> frozenset[int]:
    """Return the code points that a font file has a glyph for."""
    try:
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # It was there when fonts were listed.
        return frozenset()
