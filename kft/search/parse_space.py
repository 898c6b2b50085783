"""The grammar of `--space`: the settings that a search varies, and their values."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from kft import errors
from kft.config import RunConfig, flagfile
from kft.search import parameters, search_settings
from kft.search.parameters import Choice, Dimension, Range, RangeKind, Space

_CHOICE = "choice"
_RANGES: Mapping[type, Sequence[RangeKind]] = {
    float: ("log", "linear"),
    int: ("int", "log"),
}
_EXAMPLE = "such as learning_rate=log:1e-4..1e-1 or optimizer=choice:sgd|adam"
# A comma between two settings: options of a choice may have commas too.
_BETWEEN = re.compile(r",(?=\s*[\w.]+=|\s*$)")


def parse_space(text: str | None, config: RunConfig) -> Space:
    """Return what `--space` says, or the default space of the stages.

    Raises:
        errors.ConfigError: naming every part that is not understood or not possible.
    """
    if text is None:
        text = _default(config)
    problems, found = [], []
    for part in _BETWEEN.split(text):
        try:
            dimension = _parse(part.strip(), config)
            _check(dimension, config)
            found.append(dimension)
        except errors.ConfigError as error:
            if str(error) not in problems:
                problems.append(str(error))
    names = [dimension.name for dimension in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"--space: {name} is there twice." for name in twice]
    if not problems:
        problems = list(search_settings.unread(names, config))
    if problems:
        raise errors.ConfigError("\n".join(problems))
    return tuple(found)


def format_space(space: Iterable[Dimension]) -> str:
    """Return the flag that `parse_space` turns into `space`."""
    return ",".join(map(str, space))


def _default(config: RunConfig) -> str:
    parts = []
    for stage in config.parsed_stages:
        rate = stage.learning_rate or config.learning_rate
        parts.append(
            f"stages.{stage.unfreeze}.learning_rate=log:{rate / 10:g}..{rate * 10:g}"
        )
    return ",".join(parts)


def _parse(part: str, config: RunConfig) -> Dimension:
    name, equals, values = part.partition("=")
    kind, colon, rest = values.partition(":")
    if not (name and equals and colon and rest):
        raise errors.ConfigError(
            f"--space: expected NAME=KIND:VALUES, {_EXAMPLE}, received {part!r}."
        )
    expected = search_settings.expected(name, config)
    if kind == _CHOICE:
        return Choice(name, _options(name, rest, config))
    ranges = _RANGES.get(expected.base, ())
    for known in ranges:
        if known == kind:
            return _range(name, known, rest, whole=expected.base is int)
    raise errors.ConfigError(
        f"--space: {name}: expected {' or '.join((*ranges, _CHOICE))} before the "
        f"colon, received {kind!r}."
    )


def _options(name: str, text: str, config: RunConfig) -> tuple[str, ...]:
    found = []
    for option in text.split("|"):
        value = search_settings.parse(name, option, config)
        found.append(flagfile.format_value(value))
    if len(set(found)) < max(2, len(found)):
        raise errors.ConfigError(
            f"--space: {name}: expected at least two values, all different, with | "
            f"between them, received {text!r}."
        )
    return tuple(found)


def _range(name: str, kind: RangeKind, text: str, *, whole: bool) -> Range:
    match = re.fullmatch(r"(\S+?)\.\.(\S+?)(?:/(\d{1,6}))?", text)
    number = int if whole else float
    try:
        if match is None:
            raise ValueError(f"{text!r} has no ..")
        low, high = number(match[1]), number(match[2])
    except ValueError:
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


def _check(dimension: Dimension, config: RunConfig) -> None:
    """Raise where a value is not legal."""
    for value in parameters.ends(dimension):
        try:
            search_settings.apply(config, {dimension.name: value})
        except errors.ConfigError as error:
            raise errors.ConfigError(f"--space: {dimension}: {error}") from error
