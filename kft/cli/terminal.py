"""Text on its way to a terminal, which names that others chose must not steer.

Files and classes may be called anything: escape sequences move the cursor, set titles
and colours, and some change the direction in which text is read. All that a command
writes goes through here, or through `rich_console`: `tests/cli/test_terminal.py` proves
it.
"""

import json
import re
import sys

# Control characters, separators of lines, what changes the direction of text, and half
# characters, which stand for bytes that are no text.
_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    r"\ud800-\udfff]"
)
_BREAKING = re.compile(rf"[\t\n{_STEERING.pattern[1:]}")


def printable(text: str) -> str:
    """Return a text with JSON's escapes for all that would steer a terminal.

    Tabs and the ends of lines stay.
    """
    return _STEERING.sub(_escape, text)


def one_line(text: str) -> str:
    """Return a text with JSON's escapes for that, and for what would break its line."""
    return _BREAKING.sub(_escape, text)


def show(*lines: str, flush: bool = False) -> None:
    """Write lines to standard output."""
    for line in lines or ("",):
        print(printable(line), flush=flush)


def show_data(line: str) -> None:
    """Write a line of a format for programs: as it is, but not to a terminal."""
    print(printable(line) if sys.stdout.isatty() else line)


def complain(text: str) -> None:
    """Write a message to standard error."""
    print(printable(text), file=sys.stderr)


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
