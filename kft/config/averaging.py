"""The grammar of `--average`: which epochs of a stage have their weights averaged."""

import dataclasses
import re
from typing import Literal

from kft import errors

NONE = "none"
_GRAMMAR = "none, last:K or best:K with K from 2 to 99, such as last:3"
_AVERAGE = re.compile(r"(?P<order>last|best):(?P<count>[1-9]\d?)")


@dataclasses.dataclass(frozen=True)
class Averaging:
    """Which epochs of a stage are candidates.

    Attributes:
        order: the last epochs, all averaged; or the best ones, added one by one where
            the mean gets better.
        count: how many, at least 2.
    """

    order: Literal["last", "best"]
    count: int

    def __str__(self) -> str:
        """Return the flag that `parse` turns into it."""
        return f"{self.order}:{self.count}"


def parse(text: str) -> Averaging | None:
    """Return what the flag `--average` says; None for none.

    Raises:
        errors.ConfigError: for anything else.
    """
    if text == NONE:
        return None
    match = _AVERAGE.fullmatch(text)
    if not match or int(match["count"]) < 2:
        raise errors.ConfigError(f"--average: expected {_GRAMMAR}, received {text!r}.")
    return Averaging(
        "last" if match["order"] == "last" else "best", int(match["count"])
    )
