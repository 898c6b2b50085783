"""Dataclass fields that carry their help text and bounds, and the check of one."""

import dataclasses
import math
import types
import typing
from typing import Any, Literal

from kft import errors


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """Return a dataclass field that knows how to explain and check itself.

    Args:
        default: the one place where the default is stated.
        help: one or two sentences, with the unit or range.
        minimum: smallest legal number.
        maximum: largest legal number.
    """
    metadata = {"help": help, "minimum": minimum, "maximum": maximum}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class FieldType:
    """What a field accepts.

    Attributes:
        base: `str`, `int`, `float`, `bool` or `tuple` (of strings).
        optional: whether None is legal.
        choices: the legal strings, or None where any string is.
    """

    base: type
    optional: bool
    choices: tuple[str, ...] | None


def field_type(annotation: Any) -> FieldType:
    """Return the `FieldType` of an annotation.

    Raises:
        TypeError: for an annotation that no flag can stand for.
    """
    optional = False
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        members = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(members) != 1:
            raise TypeError(f"no flag can stand for {annotation}")
        optional, annotation = True, members[0]
    if typing.get_origin(annotation) is Literal:
        return FieldType(str, optional, typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        if typing.get_args(annotation) != (str, ...):
            raise TypeError(f"no flag can stand for {annotation}")
        return FieldType(tuple, optional, None)
    if annotation in (str, int, float, bool):
        return FieldType(annotation, optional, None)
    raise TypeError(f"no flag can stand for {annotation}")


def check_fields(config: Any) -> None:
    """Check type, choices and bounds of every field of a config dataclass.

    Raises:
        errors.ConfigError: naming every flag that is wrong, not only the first.
    """
    hints = typing.get_type_hints(type(config))
    problems = []
    for field in dataclasses.fields(config):
        problem = _problem(field, hints[field.name], getattr(config, field.name))
        if problem:
            problems.append(problem)
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _problem(field: dataclasses.Field, annotation: Any, value: Any) -> str | None:
    expected = field_type(annotation)
    if value is None:
        return None if expected.optional else f"--{field.name}: a value is needed."
    if expected.base is float:
        legal_types: tuple[type, ...] = (int, float)
    else:
        legal_types = (expected.base,)
    is_stray_bool = isinstance(value, bool) and expected.base is not bool
    if not isinstance(value, legal_types) or is_stray_bool:
        name = "tuple of strings" if expected.base is tuple else expected.base.__name__
        return f"--{field.name}: expected {name}, received {value!r}."
    if expected.choices and value not in expected.choices:
        return (
            f"--{field.name}: expected one of {', '.join(expected.choices)}, "
            f"received {value!r}. {errors.closest(value, expected.choices)}"
        )
    return _bounds_problem(field, value)


def _bounds_problem(field: dataclasses.Field, value: Any) -> str | None:
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if isinstance(value, float) and not math.isfinite(value):
        return f"--{field.name}: expected a finite number, received {value}."
    if low is not None and value < low:
        return f"--{field.name}: expected at least {low}, received {value}."
    if high is not None and value > high:
        return f"--{field.name}: expected at most {high}, received {value}."
    return None
