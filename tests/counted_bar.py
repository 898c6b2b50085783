"""A bar that keeps what it was told, in place of one on a terminal."""

import contextlib
from collections.abc import Iterator

from kft.cli.progress_bar import Advance


class CountedBar:
    """Give it as `bar`.

    Attributes:
        steps: for each title, how many there are to be, then each step.
    """

    def __init__(self) -> None:
        self.steps: dict[str, list[int]] = {}

    @contextlib.contextmanager
    def __call__(self, title: str, total: int) -> Iterator[Advance]:
        """Begin with a title."""
        self.steps[title] = [total]
        yield self.steps[title].append
