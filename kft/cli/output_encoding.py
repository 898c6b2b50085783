"""Standard output that takes every character, whatever its encoding.

A pipe of Windows, an old locale or a file name that is no UTF-8 must not end a command
whose work is done. What the encoding does not have is written as JSON escapes it, so
that JSON lines stay JSON.
"""

import codecs
import io
import json
import sys

_ESCAPE = "kft.escape"


def escape_what_is_missing() -> None:
    """Let standard output escape what it cannot write, from now on."""
    codecs.register_error(_ESCAPE, _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_ESCAPE)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return json.dumps(missing)[1:-1], error.end
