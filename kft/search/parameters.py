"""The settings that a search varies, and the values that each can have."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Literal

from kft.config import RunConfig
from kft.search import search_settings
from kft.search.search_settings import Value, Values

# Digits that matter in a rate; more would only make best.cfg hard to read.
_DIGITS, _MOST_DIGITS = 3, 17

RangeKind = Literal["log", "linear", "int"]


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes:
        name: of the setting.
        kind: even over the magnitudes, even, or whole numbers.
        low: smallest value, above 0 for `log`.
        high: largest value, above `low`.
        count: how many values, at least 2 (whole numbers that are the same count once);
            None for all between.
        whole: whether the setting takes whole numbers only.
    """

    name: str
    kind: RangeKind
    low: float
    high: float
    count: int | None = None
    whole: bool = False

    def values(self) -> tuple[Value, ...] | None:
        """Return the values where they can be counted, None where they cannot."""
        if self.count is not None:
            return self.spaced(self.count)
        if self.kind == "int":
            return tuple(range(int(self.low), int(self.high) + 1))
        return None

    def spaced(self, count: int) -> tuple[Value, ...]:
        """Return `count` values, at least 2, with the same distance between them."""
        numbers = [self._at(index / (count - 1)) for index in range(count)]
        # More digits where the values lie closer together.
        for digits in range(_DIGITS, _MOST_DIGITS):
            found = tuple(dict.fromkeys(self.written(n, digits) for n in numbers))
            if self.whole or len(found) == count:
                break
        return found

    def _at(self, part: float) -> float:
        if self.kind == "log":
            return self.low * math.pow(self.high / self.low, part)
        return self.low + (self.high - self.low) * part

    def written(self, number: float, digits: int = _DIGITS) -> Value:
        """Return a number as a person would write it, in the bounds."""
        if self.whole:
            return min(max(round(number), int(self.low)), int(self.high))
        return min(max(float(f"{number:.{digits}g}"), self.low), self.high)

    def read(self, value: Value) -> Value:
        """Return the number that an oracle gave, as it is or as its text."""
        return round(float(value)) if self.whole else float(value)

    def __str__(self) -> str:
        numbers = (self.low, self.high)
        low, high = (str(int(n)) if self.whole else repr(float(n)) for n in numbers)
        count = "" if self.count is None else f"/{self.count}"
        return f"{self.name}={self.kind}:{low}..{high}{count}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Some values, each as the text of its flag."""

    name: str
    options: tuple[str, ...]

    def values(self) -> tuple[Value, ...]:
        """Return the values."""
        return self.options

    def read(self, value: Value) -> Value:
        """Return the value."""
        return value

    def __str__(self) -> str:
        return f"{self.name}=choice:{'|'.join(self.options)}"


Dimension = Range | Choice
Space = tuple[Dimension, ...]


def written(space: Space, values: Values) -> dict[str, Value]:
    """Return drawn values as a person would write them; the rest stays as it is."""
    return {
        d.name: values[d.name]
        if isinstance(d, Choice) or d.count is not None
        else d.written(float(values[d.name]))
        for d in space
    }


def read(space: Space, values: Values) -> dict[str, Value]:
    """Return the values of a trial as they are used, recorded and shown."""
    return {d.name: d.read(values[d.name]) for d in space}


def ends(dimension: Dimension) -> tuple[Value, ...]:
    """Return every choice, or the smallest and the largest value."""
    if isinstance(dimension, Choice):
        return dimension.options
    return dimension.written(dimension.low), dimension.written(dimension.high)


def pairs(space: Space) -> Iterator[tuple[Values, Values]]:
    """Yield values of all settings, and the two of them that differ from the first.

    Between them they contain every pair of ends and choices of two settings.
    """
    first = {dimension.name: ends(dimension)[0] for dimension in space}
    if len(space) == 1:
        for value in ends(space[0]):
            yield {space[0].name: value}, {space[0].name: value}
    for one, other in itertools.combinations(space, 2):
        for values in itertools.product(ends(one), ends(other)):
            pair = dict(zip((one.name, other.name), values, strict=True))
            yield first | pair, pair


def size(space: Space) -> int | None:
    """Return how many combinations there are, None where they cannot be counted."""
    counts = []
    for dimension in space:
        values = dimension.values()
        if values is None:
            return None
        counts.append(len(values))
    return math.prod(counts)


def own_values(space: Space, config: RunConfig) -> dict[str, Value] | None:
    """Return the values that the config has now, None where one is not in the space."""
    found: dict[str, Value] = {}
    for dimension in space:
        text = search_settings.current(dimension.name, config)
        options = dimension.values()
        if options is not None and text not in map(str, options):
            return None
        if isinstance(dimension, Choice) or dimension.count is not None:
            found[dimension.name] = text
            continue
        if text in ("none", "auto") or not dimension.low <= float(text):
            return None
        if float(text) > dimension.high:
            return None
        found[dimension.name] = int(text) if dimension.whole else float(text)
    return found
