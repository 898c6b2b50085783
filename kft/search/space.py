"""What `--space` says: the settings of a run that a search varies, and their values."""

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from kft import errors, flagfile, schedule
from kft.config import TrainConfig
from kft.search import settings
from kft.search.settings import Value, Values

_KINDS = {
    float: ("log", "linear", "choice"),
    int: ("int", "log", "choice"),
}
_EXAMPLE = "such as learning_rate=log:1e-4..1e-1 or optimizer=choice:sgd|adam"
# Digits that matter in a rate; more would only make best.cfg hard to read.
_DIGITS = 3


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes:
        name: of the setting.
        kind: even over the magnitudes, even, or whole numbers.
        low: smallest value, above 0 for `log`.
        high: largest value, above `low`.
        count: how many values, at least 2; None for all between.
        whole: whether the setting takes whole numbers only.
    """

    name: str
    kind: Literal["log", "linear", "int"]
    low: float
    high: float
    count: int | None = None
    whole: bool = False

    def values(self) -> tuple[Value, ...] | None:
        """Return the values where they can be counted, None where they can not."""
        if self.count is not None:
            parts = [index / (self.count - 1) for index in range(self.count)]
            found = [self.settle(self._at(part)) for part in parts]
            return tuple(dict.fromkeys(found))
        if self.kind == "int":
            return tuple(range(int(self.low), int(self.high) + 1))
        return None

    def _at(self, part: float) -> float:
        if self.kind == "log":
            return self.low * (self.high / self.low) ** part
        return self.low + (self.high - self.low) * part

    def settle(self, value: Value) -> Value:
        """Return a number, or its text, as a person would write it, in the bounds."""
        number = float(value)
        if self.whole:
            return min(max(round(number), int(self.low)), int(self.high))
        return min(max(float(f"{number:.{_DIGITS}g}"), self.low), self.high)

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

    def settle(self, value: Value) -> Value:
        """Return the value."""
        return value

    def __str__(self) -> str:
        return f"{self.name}=choice:{'|'.join(self.options)}"


Dimension = Range | Choice
Space = tuple[Dimension, ...]


def parse_space(text: str | None, config: TrainConfig) -> Space:
    """Return what `--space` says, or the default space of the stages.

    Raises:
        errors.ConfigError: naming every part that is not understood or not possible.
    """
    if text is None:
        text = _default(config)
    problems, found = [], []
    for part in text.split(","):
        try:
            dimension = _parse(part.strip(), config)
            _check(dimension, config)
            found.append(dimension)
        except errors.ConfigError as error:
            problems.append(str(error))
    names = [dimension.name for dimension in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"--space: {name} is there twice." for name in twice]
    if problems:
        raise errors.ConfigError("\n".join(problems))
    return tuple(found)


def format_space(space: Iterable[Dimension]) -> str:
    """Return the flag that `parse_space` turns into `space`."""
    return ",".join(map(str, space))


def settle(space: Space, values: Values) -> dict[str, Value]:
    """Return the values of a trial as they are used, recorded and shown."""
    return {d.name: d.settle(values[d.name]) for d in space}


def variations(space: Space) -> Iterator[Values]:
    """Yield values that between them contain every end and every choice once."""
    for dimension in space:
        if isinstance(dimension, Choice):
            ends = dimension.options
        else:
            ends = (dimension.settle(dimension.low), dimension.settle(dimension.high))
        for value in ends:
            yield {dimension.name: value}


def own_values(space: Space, config: TrainConfig) -> dict[str, Value] | None:
    """Return the values that the config has now, None where one is not in the space."""
    found: dict[str, Value] = {}
    for dimension in space:
        text = settings.current(dimension.name, config)
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


def _default(config: TrainConfig) -> str:
    parts = []
    for stage in schedule.parse_stages(config.stages):
        rate = stage.learning_rate or config.learning_rate
        parts.append(
            f"stages.{stage.unfreeze}.learning_rate=log:{rate / 10:g}..{rate * 10:g}"
        )
    return ",".join(parts)


def _parse(part: str, config: TrainConfig) -> Dimension:
    name, equals, values = part.partition("=")
    kind, colon, rest = values.partition(":")
    if not (name and equals and colon and rest):
        raise errors.ConfigError(
            f"--space: expected NAME=KIND:VALUES, {_EXAMPLE}, received {part!r}."
        )
    expected = settings.expected(name, config)
    kinds = _KINDS.get(expected.base, ("choice",))
    if kind not in kinds:
        raise errors.ConfigError(
            f"--space: {name}: expected {' or '.join(kinds)} before the colon, "
            f"received {kind!r}."
        )
    if kind == "choice":
        return Choice(name, _options(name, rest, config))
    return _range(name, kind, rest, whole=expected.base is int)


def _options(name: str, text: str, config: TrainConfig) -> tuple[str, ...]:
    found = []
    for option in text.split("|"):
        value = settings.parse(name, option, config)
        found.append(flagfile.format_value(value))
    if len(set(found)) < max(2, len(found)):
        raise errors.ConfigError(
            f"--space: {name}: expected at least two values, all different, with | "
            f"between them, received {text!r}."
        )
    return tuple(found)


def _range(name: str, kind: str, text: str, *, whole: bool) -> Range:
    match = re.fullmatch(r"(\S+?)\.\.(\S+?)(?:/(\d{1,6}))?", text)
    number = int if whole else float
    try:
        low, high = number(match[1]), number(match[2])
    except (TypeError, ValueError):
        what = "whole numbers" if whole else "numbers"
        raise errors.ConfigError(
            f"--space: {name}: expected two {what} with .. between them, received "
            f"{text!r}."
        ) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise errors.ConfigError(
            f"--space: {name}: expected a smaller number before .. than behind it, "
            f"received {text!r}."
        )
    if kind == "log" and low <= 0:
        raise errors.ConfigError(
            f"--space: {name}: log needs numbers above 0, received {text!r}; linear or "
            "choice may have 0."
        )
    count = int(match[3]) if match[3] else None
    if count is not None and count < 2:
        raise errors.ConfigError(
            f"--space: {name}: expected at least 2 values behind the /, received "
            f"{text!r}."
        )
    return Range(name, kind, low, high, count, whole)


def _check(dimension: Dimension, config: TrainConfig) -> None:
    """Raise where a value is not legal, or where no run reads the setting."""
    for values in variations((dimension,)):
        try:
            settings.apply(config, values)
        except errors.ConfigError as error:
            raise errors.ConfigError(f"--space: {dimension}: {error}") from error
    settings.check_is_read(dimension.name, config)
