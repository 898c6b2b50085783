"""Dataclass fields that carry their help text and bounds, and the check of one."""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from kft import errors

NONE = "none"


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    may_change: bool = False,
) -> Any:
    """Return a dataclass field that knows how to explain and check itself.

    Args:
        default: the one place where the default is stated; `dataclasses.MISSING` where
            the user has to choose.
        help: one or two sentences, with the unit or range.
        minimum: smallest legal number.
        maximum: largest legal number.
        may_change: whether a started run goes on when the value is another one; only
            where the value cannot change what is computed.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "may_change": may_change,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class FieldType:
    """What a field accepts.

    Attributes:
        base: `str`, `int`, `float`, `bool` or `tuple` (of strings).
        optional: whether None is legal.
        choices: the legal strings, or None where any string is.
        words: texts that are legal in place of a number, such as `auto`.
    """

    base: type
    optional: bool
    choices: tuple[str, ...] | None
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return how a message calls what is accepted."""
        name = "tuple of strings" if self.base is tuple else self.base.__name__
        return " or ".join((name, *self.words))


def field_type(annotation: Any) -> FieldType:
    """Return the `FieldType` of an annotation.

    Raises:
        TypeError: for an annotation that no flag can stand for.
    """
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return _union_type(annotation)
    return _single_type(annotation)


def _union_type(annotation: Any) -> FieldType:
    """Return the type of `T | None`, or of a number or words: `int | Literal["x"]`."""
    arguments = typing.get_args(annotation)
    optional = type(None) in arguments
    members = [_single_type(a) for a in arguments if a is not type(None)]
    words = [member for member in members if member.choices]
    others = [member for member in members if not member.choices]
    if len(members) == 1:
        return dataclasses.replace(members[0], optional=optional)
    is_number = len(others) == 1 and others[0].base in (int, float)
    if not is_number or len(words) != 1:
        raise TypeError(f"no flag can stand for {annotation}")
    return FieldType(others[0].base, optional, None, words[0].choices or ())


def _single_type(annotation: Any) -> FieldType:
    if typing.get_origin(annotation) is Literal:
        return FieldType(str, False, typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        if typing.get_args(annotation) != (str, ...):
            raise TypeError(f"no flag can stand for {annotation}")
        return FieldType(tuple, False, None)
    if annotation in (str, int, float, bool):
        return FieldType(annotation, False, None)
    raise TypeError(f"no flag can stand for {annotation}")


def names(config_class: type) -> frozenset[str]:
    """Return the names of the fields of a config dataclass."""
    return frozenset(field.name for field in dataclasses.fields(config_class))


def check_fields(config: Any) -> None:
    """Check type, choices and bounds of every field of a config dataclass.

    Raises:
        errors.ConfigError: naming every flag that is wrong, not only the first.
    """
    values = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    found = problems(type(config), values)
    if found:
        raise errors.ConfigError("\n".join(found))


def problems(config_class: type, values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values of fields, a line for each.

    Args:
        config_class: the dataclass.
        values: by the name of the field; those that are absent are not checked.
    """
    hints = typing.get_type_hints(config_class)
    found = []
    for field in dataclasses.fields(config_class):
        if field.name in values:
            problem = _problem(field, hints[field.name], values[field.name])
            if problem:
                found.append(problem)
    return found


def _problem(field: dataclasses.Field[Any], annotation: Any, value: Any) -> str | None:
    expected = field_type(annotation)
    if value is None:
        return None if expected.optional else f"--{field.name}: a value is needed."
    if expected.words and value in expected.words:
        return None
    if expected.base is float:
        legal_types: tuple[type, ...] = (int, float)
    else:
        legal_types = (expected.base,)
    is_stray_bool = isinstance(value, bool) and expected.base is not bool
    is_legal = isinstance(value, legal_types)
    if not is_legal or is_stray_bool:
        return f"--{field.name}: expected {expected.name}, received {value!r}."
    if expected.choices and value not in expected.choices:
        return (
            f"--{field.name}: expected one of {', '.join(expected.choices)}, "
            f"received {value!r}. {errors.closest(value, expected.choices)}"
        )
    if expected.base is tuple:
        strays = [item for item in value if not isinstance(item, str) or not item]
        if strays:
            return f"--{field.name}: expected names, received {strays[0]!r} among them."
    if expected.base is str:
        return _text_problem(field.name, value, optional=expected.optional)
    if expected.base in (int, float):
        return _bounds_problem(field, value, is_float=expected.base is float)
    return None


def _text_problem(name: str, value: str, *, optional: bool) -> str | None:
    """Return why a text cannot be a line of a flagfile, None where it can.

    Every config is written to its run folder as a flagfile and has to come back equal.
    """
    if re.search(r"[\n\r\0\ud800-\udfff]", value) or value != value.strip():
        return (
            f"--{name}: expected text without line breaks, without blanks at its ends "
            f"and in valid Unicode, received {value!r}."
        )
    if optional and value.lower() == NONE:
        return f"--{name}: the text {value!r} means no value; write None in Python."
    return None


def _bounds_problem(
    field: dataclasses.Field[Any], value: float, *, is_float: bool
) -> str | None:
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if is_float and not _is_finite(value):
        return f"--{field.name}: expected a finite number, received {value}."
    if low is not None and value < low:
        return f"--{field.name}: expected at least {low}, received {value}."
    if high is not None and value > high:
        return f"--{field.name}: expected at most {high}, received {value}."
    return None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of float
        return False
