"""Pairs of texts, such as a question and a passage: how they are one payload."""

from collections.abc import Sequence

from kft import errors

# What the parts of a pair are called in tables, JSON lines and requests, in order.
PARTS = ("text", "text_b")
# Stands between them in a payload. Tables and JSON lines have none in a text.
SEPARATOR = "\0"


def parts(*, pairs: bool) -> tuple[str, ...]:
    """Return what the texts of an example are called."""
    return PARTS if pairs else PARTS[:1]


def join(texts: Sequence[str]) -> str:
    """Return the texts of an example as one."""
    return SEPARATOR.join(texts)


def split(text: str, name: str) -> tuple[str, str]:
    """Return the two texts of a pair.

    Args:
        text: as `join` returns it.
        name: of the example, for messages.

    Raises:
        errors.DataError: where it is not two texts.
    """
    first, *others = text.split(SEPARATOR)
    if len(others) != 1:
        raise errors.DataError(
            f"Example {name}: expected a pair of texts, received {1 + len(others)}. "
            "The columns text and text_b of a table are pairs."
        )
    return first, others[0]


def lengths(first: int, second: int, most: int) -> tuple[int, int]:
    """Return how many tokens of two texts are read: the longer one is cut first.

    As the package `tokenizers` does it by `longest_first`.

    Args:
        first: tokens of the first text.
        second: of the second.
        most: of both together.
    """
    if first + second <= most:
        return first, second
    shorter = min(first, second, most // 2)
    longer = most - shorter
    return (shorter, longer) if first <= second else (longer, shorter)
