"""Patterns of files with braces, as shells and WebDataset write lists of shards."""

import re
from collections.abc import Iterator

# The innermost braces that are a range of numbers, or have commas.
_BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}")
# More shards than anybody has.
_MOST = 1_000_000


def expand(pattern: str) -> list[str]:
    """Return what a pattern with braces stands for, in order and each once.

    `{000..012}` is the numbers from 0 to 12, as wide as the wider of the two where one
    begins with a zero; `{a,b}` is a and b. Other braces are part of a name.

    Raises:
        ValueError: where it stands for more than a million names.
    """
    found = dict.fromkeys(_expanded(pattern, _MOST))
    return list(found)


def _expanded(pattern: str, most: int) -> Iterator[str]:
    waiting = [pattern]
    made = 0
    while waiting:
        text = waiting.pop()
        braces = _BRACES.search(text)
        if braces is None:
            yield text
            continue
        values = _values(braces, most)
        made += len(values)
        if made > most:
            raise ValueError(
                f"{pattern!r} stands for more than {most} names; name fewer"
            )
        begin, end = text[: braces.start()], text[braces.end() :]
        waiting += [f"{begin}{value}{end}" for value in reversed(values)]


def _values(braces: re.Match[str], most: int) -> list[str]:
    first, last, listed = braces.groups()
    if listed is not None:
        return listed.split(",")
    begin, end = int(first), int(last)
    if abs(end - begin) >= most:
        raise ValueError(f"{braces[0]!r} stands for more than {most} names; name fewer")
    is_padded = any(text != "0" and text.startswith("0") for text in (first, last))
    width = max(len(first), len(last)) if is_padded else 0
    step = 1 if end >= begin else -1
    return [str(number).zfill(width) for number in range(begin, end + step, step)]
