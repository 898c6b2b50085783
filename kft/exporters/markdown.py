"""Text on its way into a Markdown file, in which names must be nothing but names.

GitHub and model hubs show a model card as HTML; names of classes, data and runs are
chosen by others.
"""

import re

from kft.cli import terminal

_FENCE = "`"
# What begins or ends a span, a link, a cell or a tag.
_MARKS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def text(value: str) -> str:
    """Return a text that Markdown shows as it is, on one line, also in a table."""
    shown = _MARKS.sub(r"\\\g<0>", terminal.one_line(value))
    return "".join(_ENTITIES.get(character, character) for character in shown)


def code(value: str) -> str:
    """Return a span of code that shows a text as it is, on one line.

    It does not belong into a table: there a `|` ends a cell in code, too.
    """
    shown = terminal.one_line(value)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = _FENCE * (longest + 1)
    space = " " if shown.startswith(_FENCE) or shown.endswith(_FENCE) else ""
    return f"{fence}{space}{shown}{space}{fence}"
