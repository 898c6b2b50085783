"""Texts as HTML, plain or shaded by how much their parts speak for an answer."""

import html
from collections.abc import Sequence

import numpy as np

# More of a text is not shown.
MOST_CHARACTERS = 2000
# What speaks for an answer, and against it; told apart by the color-blind, too.
_FOR, _AGAINST = (230, 120, 0), (0, 114, 230)
_DARKEST = 0.6
# Shading lies over the text itself, so it has its size and place.
_STYLE = "margin:0 0 .5em;line-height:1.5"


def plain(text: str) -> str:
    """Return the begin of a text, escaped."""
    return f'<p dir="auto" style="{_STYLE}">{html.escape(_begin(text))}</p>'


def shaded(
    text: str, places: Sequence[tuple[int, int]], strengths: Sequence[float]
) -> str:
    """Return what lies over `plain`: the same text, unseen, on shaded ground.

    Args:
        text: as `plain` has it.
        places: begin and end of parts of it in characters, in their order; what they
            share belongs to the first.
        strengths: of each part, in [-1, 1]; negative speaks against.
    """
    shown, done, parts = _begin(text), 0, []
    for (begin, end), strength in zip(places, strengths, strict=True):
        begin, end = max(begin, done), min(end, len(text), MOST_CHARACTERS)
        if begin >= end:
            continue
        color = ",".join(map(str, _FOR if strength > 0 else _AGAINST))
        ground = f"rgba({color},{abs(strength) * _DARKEST:.2f})"
        parts += [
            html.escape(shown[done:begin]),
            f'<span style="background:{ground}">{html.escape(shown[begin:end])}</span>',
        ]
        done = end
    parts.append(html.escape(shown[done:]))
    return (
        f'<p dir="auto" aria-hidden="true" style="{_STYLE};color:transparent">'
        f"{''.join(parts)}</p>"
    )


def relative(scores: np.ndarray) -> np.ndarray:
    """Return scores in [-1, 1], the largest of them at an end; zeros stay zeros."""
    largest = np.abs(scores).max(initial=0.0)
    return scores / largest if largest else scores


def _begin(text: str) -> str:
    is_long = len(text) > MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]} ..." if is_long else text
